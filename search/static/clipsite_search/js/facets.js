import { fill, fromTemplate } from "./dom.js";
import { number } from "./words.js";

/** Counted toggles: the first field in a row, the others in menus. Keeps focus and open menus. */
export function renderFacets(bar, fields, onToggle) {
  const open = bar.querySelector("details[open]")?.dataset.field;
  const focused = bar.querySelector(":focus")?.dataset.key;
  const filled = fields.filter((field) => field.values.length);
  bar.replaceChildren(
    ...filled.map((field, index) => {
      const element = fromTemplate(index ? "facet-menu" : "facet-row");
      const list = index ? element.querySelector("ul") : element;
      const chosen = field.values.filter((value) => value.selected).map((value) => value.label);
      element.dataset.field = field.field;
      list.ariaLabel = field.label;
      fill(element, { label: field.label, chosen: chosen.join(", ") });
      list.append(...field.values.map((value) => toggle(field, value, onToggle)));
      return element;
    }),
  );
  const find = (name, value) => value && bar.querySelector(`[data-${name}="${CSS.escape(value)}"]`);
  find("field", open)?.setAttribute("open", "");
  find("key", focused)?.focus();
}

function toggle(field, value, onToggle) {
  const item = fromTemplate("facet-value");
  const button = item.querySelector("button");
  button.dataset.key = `${field.field}:${value.value}`;
  button.ariaPressed = value.selected;
  fill(item, { label: value.label, count: number(value.count) });
  button.onclick = () => onToggle(field, value);
  return item;
}
