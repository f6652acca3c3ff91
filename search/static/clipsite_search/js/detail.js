// One image, large: the panel that slides over the results.
import { actionOf, fill, known, linked, pressThumbs, showImage } from "./dom.js";
import * as words from "./words.js";

const narrow = matchMedia("(max-width: 900px)");

export class Detail {
  hit = null;

  constructor(dialog, { onStep, onClosed }) {
    this.dialog = dialog;
    enableSheet(dialog);
    dialog.addEventListener("close", () => {
      if (dialog.open) return; // the event comes late: opened again by now
      const { hit } = this;
      this.hit = null;
      onClosed(hit);
    });
    addEventListener("popstate", () => dialog.close());
    dialog.addEventListener("click", (event) => {
      const action = actionOf(event);
      if (action === "close") this.close();
      if (action === "step-on") onStep(1);
      if (action === "step-back") onStep(-1);
    });
  }

  get isOpen() {
    return this.dialog.open;
  }

  /** Narrow windows get it modal and over everything, with the Back key to close it. */
  open(hit, { ranked, fusion, atWhy = false }) {
    this.hit = hit;
    fillPanel(this.dialog, hit, ranked, words.scale(fusion));
    if (!this.dialog.open && narrow.matches) {
      history.pushState({ image: hit.image_id }, "");
      this.dialog.showModal();
    } else if (!this.dialog.open) {
      this.dialog.show();
    }
    this.dialog.querySelector(".detail-scroll").scrollTop = 0;
    if (atWhy) this.dialog.querySelector(".why").scrollIntoView();
  }

  close() {
    if (!this.isOpen) return;
    if (history.state?.image) history.back();
    else this.dialog.close();
  }

  markFeedback(imageId, value) {
    if (this.hit?.image_id !== imageId) return;
    this.hit = { ...this.hit, feedback: value };
    pressThumbs(this.dialog, value);
  }
}

function fillPanel(dialog, hit, ranked, scale) {
  const find = (selector) => dialog.querySelector(selector);
  showImage(find(".detail-image"), hit, hit.file_url);
  find(".zoom").setAttribute("aria-pressed", "false");
  fill(dialog, {
    ...known(hit),
    place: `${words.number(hit.rank)} of ${words.number(ranked)}`,
    size: `${hit.width} × ${hit.height}`,
  });
  find(".badge-synthetic").hidden = !hit.synthetic;
  find('[data-fill="source"]').replaceChildren(...linked(hit.source));
  find(".detail-page").href = hit.detail_url;
  find("[data-copy]").dataset.copy = words.attribution(hit);
  pressThumbs(dialog, hit.feedback);
  explain(find(".why"), hit, ranked, scale);
}

function explain(section, hit, ranked, scale) {
  section.hidden = false;
  fill(section, { why: words.why(hit, ranked) });
  for (const [name, part] of Object.entries({ words: hit.bm25_part, picture: hit.cosine_part })) {
    fill(section, { [name]: part.toFixed(scale < 1 ? 4 : 2), [`${name}-leg`]: words.leg(hit, name) });
    const bar = section.querySelector(`.bar-${name}`);
    bar.setAttribute("width", part);
    bar.ownerSVGElement.setAttribute("viewBox", `0 0 ${scale} 1`);
  }
}

/** Enlarging, wherever the sheet of an image stands. */
export function enableSheet(sheet) {
  sheet.querySelector(".zoom").addEventListener("click", toggleZoom);
}

document.addEventListener("click", async ({ target }) => {
  const button = target.closest("[data-copy]");
  if (!button) return;
  const { copy, path, notice = "" } = button.dataset;
  await navigator.clipboard.writeText(copy || new URL(path, location));
  button.querySelector("span").textContent = `${words.SENTENCES.copied}. ${notice}`;
});

/** A click enlarges towards the point clicked, a key towards the middle; the next one fits again. */
function toggleZoom(event) {
  const frame = event.currentTarget;
  const box = frame.getBoundingClientRect();
  const byKey = event.detail === 0;
  const x = byKey ? 0.5 : (event.clientX - box.left) / box.width;
  const y = byKey ? 0.5 : (event.clientY - box.top) / box.height;
  frame.setAttribute("aria-pressed", frame.getAttribute("aria-pressed") !== "true");
  frame.scrollTo((frame.scrollWidth - box.width) * x, (frame.scrollHeight - box.height) * y);
}
