// The field at the foot of the column and the ranking switches under it.
import { number } from "./words.js";

const SWITCHES = ["mode", "alpha", "fusion"];

export function composing(form, { onAsk, onRanking }) {
  const { q: field, alpha } = form.elements;
  const ranking = form.querySelector(".ranking");

  function settings() {
    const { mode, fusion } = form.elements;
    return { mode: mode.value, alpha: Number(alpha.value), fusion: fusion.value };
  }

  /** What a turn was ranked by, unless the user is at the switches just now. */
  function sync(query) {
    if (ranking.matches(":focus-within")) return;
    for (const name of SWITCHES) form.elements[name].value = query[name] ?? form.elements[name].value;
    showBlend();
  }

  function focus() {
    field.focus();
    field.select();
  }

  function clear() {
    field.value = "";
    fit();
  }

  function showBlend() {
    const text = number(Number(alpha.value), { style: "percent" });
    form.querySelector(".blend-value").textContent = text;
    alpha.ariaValueText = text;
  }

  function fit() {
    if (CSS.supports("field-sizing", "content")) return;
    field.style.height = "auto";
    field.style.height = `${field.scrollHeight}px`;
  }

  form.onsubmit = (event) => {
    event.preventDefault();
    const utterance = field.value.trim();
    if (!utterance) return;
    clear();
    onAsk(utterance);
    // A phone's keyboard covers the answer.
    if (matchMedia("(hover: none)").matches) field.blur();
  };
  field.onkeydown = (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    form.requestSubmit();
  };
  form.oninput = () => {
    fit();
    showBlend();
  };
  ranking.onchange = ({ target: { name } }) => onRanking(name, settings()[name]);
  form.oninput();
  return { form, field, settings, sync, focus, clear };
}
