// The rows of images: cards kept by image, moved gently into a new order.
import { drawBars, fill, fromTemplate, hasModifier, pressThumbs, showImage } from "./dom.js";
import { highlighted } from "./highlight.js";
import { changes, isHeldBack, neighbour } from "./order.js";
import * as words from "./words.js";

const MOVE = { duration: 320, easing: "cubic-bezier(0.2, 0, 0, 1)" };
const RELEASE_AFTER = 600; // ms without pointer or focus

export function arranging(list, { onHeld, onReplaced }) {
  let cards = new Map(); // image id -> {element, hit}, in order
  let fusion = "linear";
  let held = null;
  let isPointed = false; // since the question

  const element = (imageId) => cards.get(imageId)?.element;
  const hitAt = (target) => cards.get(Number(target.closest(".hit")?.dataset.imageId))?.hit;
  const isStale = () => list.classList.contains("is-stale");
  const isAttended = () => isPointed || list.matches(":focus-within");

  /** Takes over the cards the server rendered. */
  function adopt(hits, ranking) {
    fusion = ranking;
    hits.forEach((hit, index) => cards.set(hit.image_id, { element: list.children[index], hit }));
    rove(list.firstElementChild);
  }

  function wait() {
    hold(null);
    isPointed = false;
    list.classList.add("is-stale");
    list.classList.remove("is-leg");
  }

  /** Ends the waiting when nothing more will come. */
  function settle() {
    list.classList.remove("is-stale");
  }

  function clear() {
    cards.clear();
    list.replaceChildren();
    settle();
  }

  /** Shows the hits in order, once the reader has left others of this question. */
  function show(hits, { leg, mayHold, ranking }) {
    fusion = ranking;
    const next = hits.map((hit) => hit.image_id);
    const waits = isHeldBack([...cards.keys()], next, mayHold && !isStale() && isAttended());
    hold({ hits, leg });
    if (!waits) release();
  }

  function hold(answer) {
    held = answer;
    if (answer) settle();
    onHeld(answer !== null);
  }

  function release() {
    if (!held) return;
    const { hits, leg } = held;
    hold(null);
    arrange(hits, leg);
  }

  function releaseSoon() {
    setTimeout(() => {
      if (!isAttended()) release();
    }, RELEASE_AFTER);
  }

  function arrange(hits, leg) {
    // Only the final order moves: on a first sight there is nothing to follow.
    const glides = leg === "fused" && !matchMedia("(prefers-reduced-motion: reduce)").matches;
    const before = glides && rects();
    const known = cards;
    const isReplaced = list.classList.contains("is-leg");
    cards = new Map();
    list.replaceChildren(...hits.map((hit) => card(hit, known.get(hit.image_id))));
    list.classList.toggle("is-leg", leg !== "fused");
    list.classList.toggle("is-all-weak", !!hits[0]?.weak);
    rove(list.firstElementChild);
    if (glides) glide(before);
    if (isReplaced) onReplaced(changes([...known.keys()], [...cards.keys()]));
  }

  function append(hits) {
    list.append(...hits.map((hit) => card(hit)));
  }

  function card(hit, known) {
    const element = known?.element ?? fromTemplate("hit");
    fillCard(element, hit, words.scale(fusion));
    setTabbable(element, false);
    cards.set(hit.image_id, { element, hit });
    return element;
  }

  function rects() {
    const rectOf = ([id, { element }]) => [id, element.getBoundingClientRect()];
    return new Map([...cards].map(rectOf));
  }

  function glide(before) {
    for (const [id, now] of rects()) {
      const was = before.get(id);
      if (now.top > innerHeight && !(was?.top < innerHeight)) continue;
      const translate = was && `${was.left - now.left}px ${was.top - now.top}px`;
      element(id).animate([was ? { translate } : { opacity: 0 }, {}], MOVE);
    }
  }

  function markFeedback(imageId, value) {
    const card = cards.get(imageId);
    if (!card) return;
    card.hit = { ...card.hit, feedback: value };
    pressThumbs(card.element, value);
  }

  function markOpen(imageId) {
    list.querySelector(".is-open")?.classList.remove("is-open");
    element(imageId)?.classList.add("is-open");
  }

  function rove(to) {
    if (!to?.dataset.imageId) return;
    for (const { element } of cards.values()) setTabbable(element, element === to);
  }

  list.onkeydown = (event) => {
    if (!/^(Arrow|Home|End)/.test(event.key) || hasModifier(event)) return;
    const cards = [...list.children];
    const index = cards.indexOf(event.target.closest(".hit"));
    event.preventDefault();
    cards[neighbour(cards, index, event.key)].querySelector(".hit-open").focus();
  };
  list.addEventListener("focusin", (event) => rove(event.target.closest(".hit")));
  list.addEventListener("focusout", releaseSoon);
  list.onpointermove = () => (isPointed = true);
  list.onpointerleave = () => {
    isPointed = false;
    releaseSoon();
  };

  return {
    list, adopt, wait, settle, clear, show, release, append, element, hitAt, isStale,
    markFeedback, markOpen,
    hits: () => [...cards.values()].map((card) => card.hit),
    fusion: () => fusion,
  };
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
