// Single keys. None fires while typing, nor with a modifier, nor when they are switched off.
const TYPING = "input:not([type=checkbox], [type=radio], [type=range]), textarea, select";

/** `onHit(action, target)` is for the keys that act on the image in focus. */
const HIT_KEYS = { m: "like", l: "unlike", o: "only", w: "why", c: "compare", "+": "good", "-": "bad" };

export function listenToKeys({ focusComposer, dialog, detail, onHit }) {
  const areOff = () => document.documentElement.dataset.keys === "off";
  dialog.querySelector("#single-keys").checked = !areOff();
  document.querySelector('[data-action="keys"]').onclick = () => dialog.showModal();

  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape" && detail.isOpen && !dialog.open) {
      event.preventDefault();
      return detail.close();
    }
    if (event.target.closest(TYPING) || areOff() || dialog.open) return;
    const action = event.target.closest(".hit") && HIT_KEYS[event.key];
    if (event.key === "/") focusComposer();
    else if (event.key === "?") dialog.showModal();
    else if (action) onHit(action, event.target);
    else return;
    event.preventDefault();
  });
}
