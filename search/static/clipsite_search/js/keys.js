// Single keys. None fires while typing, nor with a modifier, nor when they are switched off.
import { hasModifier } from "./dom.js";

const TYPING = "input:not([type=checkbox], [type=radio], [type=range]), textarea, select";

export function listenToKeys({ focusComposer, dialog, detail }) {
  const areOff = () => document.documentElement.dataset.keys === "off";
  dialog.querySelector("#single-keys").checked = !areOff();
  document.querySelector('[data-action="keys"]').onclick = () => dialog.showModal();

  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || hasModifier(event)) return;
    if (event.key === "Escape" && detail.isOpen && !dialog.open) {
      event.preventDefault();
      return detail.close();
    }
    if (event.target.closest(TYPING) || areOff() || dialog.open) return;
    // On an image a key presses the button that names it.
    const card = event.target.closest(".hit");
    const button = card?.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
    if (event.key === "/") focusComposer();
    else if (event.key === "?") dialog.showModal();
    else if (button) button.click();
    else return;
    event.preventDefault();
  });
}
