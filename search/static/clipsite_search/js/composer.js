// The field at the foot of the column and the ranking switches under it.
import { number } from "./words.js";

export class Composer {
  constructor(form, { onAsk, onRanking }) {
    this.form = form;
    this.field = form.elements.q;
    form.onsubmit = (event) => {
      event.preventDefault();
      const utterance = this.field.value.trim();
      if (!utterance) return;
      this.clear();
      onAsk(utterance);
      // A phone's keyboard covers the answer.
      if (matchMedia("(hover: none)").matches) this.field.blur();
    };
    this.field.onkeydown = (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      form.requestSubmit();
    };
    form.oninput = () => {
      this.#fit();
      this.#showBlend();
    };
    form.querySelector(".ranking").onchange = form.elements.sort.onchange = ({ target }) => {
      onRanking(target.name, this.settings[target.name]);
    };
    form.oninput();
  }

  get settings() {
    const { mode, alpha, fusion, sort } = this.form.elements;
    return { mode: mode.value, alpha: Number(alpha.value), fusion: fusion.value, sort: sort.value };
  }

  /** What a turn was ranked by, unless the user is at the switches just now. */
  sync(query) {
    if (this.form.querySelector(".ranking").matches(":focus-within")) return;
    for (const name in this.settings) {
      if (query[name] !== undefined) this.form.elements[name].value = query[name];
    }
    this.#showBlend();
  }

  focus() {
    this.field.focus();
    this.field.select();
  }

  clear() {
    this.field.value = "";
    this.#fit();
  }

  #showBlend() {
    const text = number(Number(this.form.elements.alpha.value), { style: "percent" });
    this.form.querySelector(".blend-value").textContent = text;
    this.form.elements.alpha.ariaValueText = text;
  }

  #fit() {
    if (CSS.supports("field-sizing", "content")) return;
    const { style } = this.field;
    style.height = "auto";
    style.height = `${this.field.scrollHeight}px`;
  }
}
