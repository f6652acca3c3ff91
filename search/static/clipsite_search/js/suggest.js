// Suggestions as one types: the field is a combobox.
import { request } from "./http.js";

export function listenToTyping(field, list) {
  const rows = list.children;
  let timer, at = -1;

  function choose(next) {
    at = next;
    for (const row of rows) row.ariaSelected = row === rows[at];
    field.setAttribute("aria-activedescendant", rows[at]?.id ?? "");
  }

  function show(found = [], words = field.value) {
    clearTimeout(timer);
    field.value = words;
    choose(-1);
    const rowOf = ({ text: textContent }, i) =>
      Object.assign(document.createElement("li"), { role: "option", id: `typed-${i}`, textContent });
    list.replaceChildren(...found.map(rowOf));
    field.ariaExpanded = found.length > 0;
  }

  async function suggest() {
    const q = field.value;
    const found = await request("GET", `suggestions?q=${encodeURIComponent(q)}`);
    if (q === field.value && document.activeElement === field) show(found);
  }

  field.oninput = () => {
    clearTimeout(timer);
    timer = setTimeout(suggest, 150);
  };
  field.onblur = () => show();
  // Ahead of the composer.
  field.addEventListener("keydown", (event) => {
    const size = rows.length;
    const step = { ArrowDown: 1, ArrowUp: size, Escape: 0 }[event.key];
    if (event.key === "Enter") show([], rows[at]?.textContent);
    if (!size || step === undefined) return;
    event.preventDefault();
    if (step) choose(((at + 1 + step) % (size + 1)) - 1);
    else show();
  }, true);
  list.onmousedown = () => false; // the field keeps the focus
  list.onclick = ({ target }) => {
    show([], target.textContent);
    field.form.requestSubmit();
  };
}
