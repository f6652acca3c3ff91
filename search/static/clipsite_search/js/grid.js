// The rows of images: cards kept by image, moved gently into a new order.
import { drawBars, fill, fromTemplate, hasModifier, pressThumbs, showImage } from "./dom.js";
import { highlighted } from "./highlight.js";
import { changes, isHeldBack, neighbour } from "./order.js";
import * as words from "./words.js";

const MOVE = { duration: 320, easing: "cubic-bezier(0.2, 0, 0, 1)" };
const RELEASE_AFTER = 600; // ms without pointer or focus

export class Grid {
  #cards = new Map(); // image id -> {element, hit}, in order
  #held = null;
  #pointed = false; // since the question

  constructor(list, { onHeld, onReplaced }) {
    Object.assign(this, { list, onHeld, onReplaced, fusion: "linear" });
    list.onkeydown = (event) => this.#walk(event);
    list.addEventListener("focusin", (event) => this.#rove(event.target.closest(".hit")));
    list.onpointermove = () => (this.#pointed = true);
    list.onpointerleave = () => {
      this.#pointed = false;
      this.#releaseSoon();
    };
    list.addEventListener("focusout", () => this.#releaseSoon());
  }

  get hits() {
    return [...this.#cards.values()].map((card) => card.hit);
  }

  hitAt(target) {
    return this.#cards.get(Number(target.closest(".hit")?.dataset.imageId))?.hit;
  }

  element(imageId) {
    return this.#cards.get(imageId)?.element;
  }

  /** Takes over the cards the server rendered. */
  adopt(hits, fusion) {
    this.fusion = fusion;
    hits.forEach((hit, index) => {
      this.#cards.set(hit.image_id, { element: this.list.children[index], hit });
    });
    this.#rove(this.list.firstElementChild);
  }

  get isStale() {
    return this.list.classList.contains("is-stale");
  }

  wait() {
    this.#hold(null);
    this.#pointed = false;
    this.list.classList.add("is-stale");
    this.list.classList.remove("is-leg");
  }

  /** Ends the waiting when nothing more will come. */
  settle() {
    this.list.classList.remove("is-stale");
  }

  clear() {
    this.#cards.clear();
    this.list.replaceChildren();
    this.settle();
  }

  /** Shows the hits in order, once the reader has left others of this question. */
  show(hits, { leg, mayHold }) {
    const next = hits.map((hit) => hit.image_id);
    const isAttended = mayHold && !this.isStale && this.#isAttended();
    const waits = isHeldBack([...this.#cards.keys()], next, isAttended);
    this.#hold({ hits, leg });
    if (!waits) this.release();
  }

  release() {
    if (!this.#held) return;
    const { hits, leg } = this.#held;
    this.#hold(null);
    this.#arrange(hits, leg);
  }

  append(hits) {
    this.list.append(...hits.map((hit) => this.#card(hit)));
  }

  markFeedback(imageId, value) {
    const card = this.#cards.get(imageId);
    if (!card) return;
    card.hit = { ...card.hit, feedback: value };
    pressThumbs(card.element, value);
  }

  markOpen(imageId) {
    this.list.querySelector(".is-open")?.classList.remove("is-open");
    this.element(imageId)?.classList.add("is-open");
  }

  #isAttended() {
    return this.#pointed || this.list.matches(":focus-within");
  }

  #hold(answer) {
    this.#held = answer;
    if (answer) this.settle();
    this.onHeld(answer !== null);
  }

  #releaseSoon() {
    setTimeout(() => {
      if (!this.#isAttended()) this.release();
    }, RELEASE_AFTER);
  }

  #arrange(hits, leg) {
    // Only the final order moves: on a first sight there is nothing to follow.
    const glides = leg === "fused" && !matchMedia("(prefers-reduced-motion: reduce)").matches;
    const before = glides && this.#rects();
    const known = this.#cards;
    const isReplaced = this.list.classList.contains("is-leg");
    this.#cards = new Map();
    this.list.replaceChildren(...hits.map((hit) => this.#card(hit, known.get(hit.image_id))));
    this.list.classList.toggle("is-leg", leg !== "fused");
    this.list.classList.toggle("is-all-weak", !!hits[0]?.weak);
    this.#rove(this.list.firstElementChild);
    if (glides) this.#glide(before);
    if (isReplaced) this.onReplaced(changes([...known.keys()], [...this.#cards.keys()]));
  }

  #card(hit, known) {
    const element = known?.element ?? fromTemplate("hit");
    fillCard(element, hit, words.scale(this.fusion));
    setTabbable(element, false);
    this.#cards.set(hit.image_id, { element, hit });
    return element;
  }

  #rects() {
    const rectOf = ([id, { element }]) => [id, element.getBoundingClientRect()];
    return new Map([...this.#cards].map(rectOf));
  }

  #glide(before) {
    for (const [id, now] of this.#rects()) {
      const was = before.get(id);
      if (now.top > innerHeight && !(was?.top < innerHeight)) continue;
      const translate = was && `${was.left - now.left}px ${was.top - now.top}px`;
      this.element(id).animate([was ? { translate } : { opacity: 0 }, {}], MOVE);
    }
  }

  #rove(element) {
    if (!element?.dataset.imageId) return;
    for (const card of this.#cards.values()) setTabbable(card.element, card.element === element);
  }

  #walk(event) {
    if (!/^(Arrow|Home|End)/.test(event.key) || hasModifier(event)) return;
    const cards = [...this.list.children];
    const index = cards.indexOf(event.target.closest(".hit"));
    event.preventDefault();
    cards[neighbour(cards, index, event.key)].querySelector(".hit-open").focus();
  }
}

function fillCard(element, hit, scale) {
  const find = (selector) => element.querySelector(selector);
  element.dataset.imageId = hit.image_id;
  element.classList.toggle("is-weak", hit.weak);
  find(".hit-open").href = hit.detail_url;
  showImage(find(".hit-image"), hit, hit.thumbnail_url);
  element.style.setProperty("--aspect", hit.width / hit.height);
  find(".hit-similar").href = `${hit.detail_url}?similar=${hit.similar}`;
  fill(element, { ...hit, score: hit.why.score, similar: hit.similar.length });
  find(".hit-caption").replaceChildren(...highlighted(hit.caption, hit.highlights));
  drawBars(element, hit, scale);
  pressThumbs(element, hit.feedback);
}

function setTabbable(element, isTabbable) {
  for (const each of element.querySelectorAll("a, button")) each.tabIndex = isTabbable ? 0 : -1;
}
