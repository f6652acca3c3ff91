// <details data-src> is asked for when it is opened, and shown in its last element.
import { say } from "./words.js";

addEventListener("toggle", async ({ target: { open, dataset, lastElementChild: place } }) => {
  const { src } = dataset;
  if (!src || !open) return;
  delete dataset.src;
  const answer = await fetch(src).catch(() => ({}));
  if (!answer.ok) dataset.src = src;
  place.innerHTML = answer.url && !answer.redirected ? await answer.text() : say("unreachable");
}, true);
