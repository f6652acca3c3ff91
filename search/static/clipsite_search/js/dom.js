export const byId = (id) => document.getElementById(id);

/** The element inside a <template> of the page, cloned. */
export const fromTemplate = (name) =>
  byId(`${name}-template`).content.firstElementChild.cloneNode(true);

/** Puts each value where `data-fill` names it, and hides what `data-if` names without a value. */
export function fill(element, values) {
  for (const slot of element.querySelectorAll("[data-fill]")) {
    const text = values[slot.dataset.fill];
    if (text !== undefined) slot.textContent = text;
  }
  for (const part of element.querySelectorAll("[data-if]")) {
    if (part.dataset.if in values) part.hidden = !values[part.dataset.if];
  }
}

export const hasModifier = (event) => event.ctrlKey || event.metaKey || event.altKey;

export const actionOf = (event) => event.target.closest("[data-action]")?.dataset.action;

export function pressThumbs(element, value) {
  element.querySelector('[data-action="good"]').ariaPressed = value === 1;
  element.querySelector('[data-action="bad"]').ariaPressed = value === -1;
}

/** The two parts of a score, which the style sheet draws. */
export function drawBars({ style }, [words, picture]) {
  style.setProperty("--by-words", words);
  style.setProperty("--by-picture", picture);
}

export function showImage(image, { alt, width, height }, url) {
  if (image.getAttribute("src") !== url) image.src = url;
  Object.assign(image, { alt, width, height });
}
