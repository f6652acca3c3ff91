// One image, large: the panel that slides over the results.
import { actionOf, drawBars, fill, pressThumbs, showImage } from "./dom.js";
import { number, say } from "./words.js";
import { enableZoom } from "./zoom.js";

const narrow = matchMedia("(max-width: 900px)");

export class Detail {
  hit = null;
  #from = null; // the hit whose figures are looked at

  constructor(dialog, { onStep, onClosed }) {
    this.dialog = dialog;
    this.fit = enableZoom(dialog.querySelector(".zoom"));
    dialog.addEventListener("close", () => {
      if (dialog.open) return; // the event comes late: opened again by now
      this.hit = null;
      onClosed(this.#from);
    });
    addEventListener("popstate", () => dialog.close());
    dialog.addEventListener("click", (event) => {
      const action = actionOf(event);
      if (action === "close") this.close();
      if (action === "step-on") onStep(this.#from, 1);
      if (action === "step-back") onStep(this.#from, -1);
    });
  }

  get isOpen() {
    return this.dialog.open;
  }

  /** Narrow windows get it modal and over everything, with the Back key to close it. */
  open(hit, { ranked, turn }, atWhy) {
    this.hit = hit;
    if (hit.rank) this.#from = hit;
    this.#tellAbout(hit, turn);
    this.dialog.dataset.imageId = hit.image_id;
    fillPanel(this.dialog, hit, ranked);
    if (!this.dialog.open && narrow.matches) {
      history.pushState({ image: hit.image_id }, "");
      this.dialog.showModal();
    } else if (!this.dialog.open) {
      this.dialog.show();
    }
    this.fit();
    this.dialog.querySelector(".detail-scroll").scrollTop = 0;
    if (atWhy) this.dialog.querySelector(".why").scrollIntoView();
  }

  async #tellAbout(hit, turn) {
    const about = this.dialog.querySelector(".about");
    if (about.contains(document.activeElement)) this.dialog.querySelector(".zoom").focus();
    about.replaceChildren();
    const answer = await fetch(`${hit.detail_url}about?similar=${hit.similar ?? ""}&turn=${turn ?? ""}`).catch(() => ({}));
    const isThere = answer.ok && !answer.redirected; // to the login
    const text = isThere ? await answer.text() : say("unreachable");
    if (this.hit === hit) about.innerHTML = text;
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

function fillPanel(dialog, hit, ranked) {
  const find = (selector) => dialog.querySelector(selector);
  for (const shown of dialog.querySelectorAll(".zoom img, .part img")) showImage(shown, hit, hit.file_url);
  find(".part").open = false;
  find("[name=like]").value = hit.image_id;
  fill(dialog, {
    ...hit,
    rank: hit.rank,
    place: hit.rank ? say("place", number(hit.rank), number(ranked)) : hit.external_id,
  });
  pressThumbs(dialog, hit.feedback);
  if (!hit.rank) return;
  const { parts: [words_part, picture_part], bars, ...why } = hit.why;
  fill(find(".why"), { ...why, words_part, picture_part });
  drawBars(find(".why"), bars);
}
