// Up to four images to see side by side, whichever searches found them.

/** Returns what chooses an image or no longer; without one it only shows what is chosen. */
export function comparing(tray, list) {
  const chosen = new Set();
  const link = tray.querySelector("a");
  const choose = (id) => {
    if (id && !chosen.delete(id) && chosen.size < 4) chosen.add(id);
    tray.hidden = !chosen.size;
    tray.querySelector("output").textContent = chosen.size;
    link.hidden = chosen.size < 2;
    link.href = tray.dataset.path + [...chosen];
    for (const toggle of document.querySelectorAll('[data-action="compare"]')) {
      const { imageId } = toggle.closest("[data-image-id]").dataset;
      toggle.ariaPressed = chosen.has(Number(imageId));
    }
  };
  tray.querySelector("button").onclick = () => choose(chosen.clear());
  new MutationObserver(() => choose()).observe(list, { childList: true });
  return choose;
}
