// Wires the page: frames in, state, and the parts that show it.
import { comparing } from "./compare.js";
import { composing } from "./composer.js";
import { connect } from "./connection.js";
import "./copy.js";
import { Detail } from "./detail.js";
import { actionOf, byId, fill } from "./dom.js";
import { renderFacets } from "./facets.js";
import { arranging } from "./grid.js";
import { listenToDeleting, listenToSaving, rememberConversation } from "./history.js";
import { request } from "./http.js";
import { listenToKeys } from "./keys.js";
import { renderOffers } from "./offers.js";
import { listenToPictures } from "./pictures.js";
import { enableRegion, regionOf } from "./region.js";
import {
  accepts, asked, framesOf, initialState, reduce, showsAnother, unseen,
} from "./state.js";
import "./stays.js";
import { listenToTyping } from "./suggest.js";
import { Thread } from "./thread.js";
import "./unfold.js";
import { announcement, changed, outcome, say } from "./words.js";

const root = byId("search");

let state = initialState({ conversation: Number(root.dataset.conversation) || null });
let lastAsk = null;

const grid = arranging(document.querySelector("#results .grid"), {
  onHeld: (isHeld) => (byId("new-order").hidden = !isHeld),
  onReplaced(changes) {
    state = { ...state, moved: changed(changes) };
    render();
    // Before the end it is told with the rest.
    if (state.phase === "done" && state.moved) byId("announcer").textContent = state.moved;
  },
});
const compare = comparing(byId("tray"), grid.list);
const thread = new Thread(byId("thread"), {
  onEdit: edit,
  onPart: (chip) => cutPicture(chip),
  onOpenTurn: openTurn,
  onUndo: () => ask("undo"),
});
const detail = new Detail(byId("detail"), { onStep: step, onClosed: returnToGrid });
const composer = composing(byId("composer"), { onAsk: ask, onRanking: changeRanking });
const connection = connect({
  path: root.dataset.socketPath,
  onFrame: receive,
  unfinished: () =>
    state.phase === "streaming" ? { turn: state.turn, last_seq: state.lastSeq } : null,
});

// --- Asking

/** By words, by pictures, or both. */
function ask(utterance, pictures = []) {
  const { conversation, turn: after } = state;
  const settings = composer.settings();
  const message = { type: "query", conversation, after, utterance, pictures, settings };
  begin(message, utterance || say("picture"));
}

/** `onImage`: the reader pressed a button on an image, so only the final order is shown. */
function edit(change, said, onImage = false) {
  begin({ type: "edit_chips", turn: state.turn, edits: [change].flat() }, said, onImage);
}

function begin(message, said, onImage = false) {
  lastAsk = { message, said, onImage };
  connection.send(message);
  state = asked(state, said);
  detail.close();
  for (const id of ["empty", "recent", "nothing", "problem", "more"]) byId(id).hidden = true;
  grid.wait();
  thread.begin(said);
  render();
  if (!onImage) byId("main").scrollTo({ top: 0 });
}

function changeRanking(name, value) {
  if (state.turn !== null) edit({ op: "set", [name]: value }, say("ranking"));
}

function toggleFacet({ field }, { value, label, selected }) {
  edit({ op: selected ? "unfilter" : "filter", field, value }, label);
}

const showFacets = (facets) => renderFacets(byId("facets"), facets, toggleFacet);

// --- Hearing

const SHOW = {
  ack: () => rememberConversation(root, state),
  chips() {
    thread.renderChips(state.chips);
    composer.sync(state.query);
    const { label, path: href, changed } = state.saved ?? {};
    Object.assign(byId("saved-as"), { hidden: !label, textContent: label, href });
    byId("saved-as").classList.toggle("is-changed", changed);
  },
  hits({ leg, hits }, before) {
    if (leg === "page") return appendPage(unseen(before.hits, hits));
    const mayHold = !lastAsk?.onImage;
    if (leg !== "fused" && !(mayHold && hits.length && grid.isStale())) return;
    grid.show(hits, { leg, mayHold });
  },
  facets: () => showFacets(state.facets),
  done() {
    grid.settle();
    renderOffers(state.offers);
    if (!state.ranked) grid.clear();
    byId("nothing").hidden = state.ranked > 0;
    const asked = state.hits.find((hit) => hit.image_id === state.explained);
    if (asked) openAtWhy(asked);
    byId("announcer").textContent = announcement(state);
  },
  error() {
    if (showsAnother(state)) {
      grid.clear();
      showFacets([]);
    }
    grid.settle();
    tell(state.problem, lastAsk);
  },
  feedback({ image_id: id, value }) {
    grid.markFeedback(id, value);
    detail.markFeedback(id, value);
  },
};

function tell(problem, mayRetry) {
  fill(byId("problem"), { ...problem, retry: mayRetry });
  byId("problem").hidden = false;
}

function receive(frame) {
  if (!accepts(state, frame)) return;
  const before = state;
  state = reduce(state, frame);
  SHOW[frame.type]?.(frame.data, before);
  render();
}

function render() {
  if (thread.current) thread.render(state);
  byId("stage-count").textContent = outcome(state);
  const head = byId("stage-head");
  head.hidden = false;
  head.classList.toggle("is-waiting", state.phase !== "done");
  for (const a of byId("take").querySelectorAll("a")) {
    if (state.turn) a.href = a.dataset.export.replace("/0/", `/${state.turn}/`);
  }
  for (const field of document.getElementsByName("turn_id")) field.value = state.turn;
  Object.assign(byId("link").dataset, state.link);
  byId("more").hidden = state.phase !== "done" || state.hits.length >= state.ranked;
}

function appendPage(hits) {
  grid.append(hits);
  const first = hits.length && grid.element(hits[0].image_id);
  if (first && document.activeElement === byId("more")) first.querySelector("a").focus();
}

// --- Images

const liken = (op, said) => ({ image_id }) => edit({ op, image_id }, said, true);

const ON_HIT = {
  like(hit) {
    if (state.turn === null) location.assign(`${root.dataset.results}?like=${hit.image_id}`);
    else liken("like", say("like"))(hit);
  },
  unlike: liken("unlike", say("unlike")),
  only: ({ modality: value, modality_label: label }) =>
    edit({ op: "filter", field: "modality", value }, say("only", label), true),
  why: openAtWhy,
  similar: openAtWhy,
  compare: (hit) => compare(hit.image_id),
  good: (hit) => rate(hit, 1),
  bad: (hit) => rate(hit, -1),
};

/** The same vote again takes it back. */
function rate({ image_id: id, feedback }, vote) {
  const value = feedback === vote ? 0 : vote;
  SHOW.feedback({ image_id: id, value });
  connection.send({ type: "feedback", turn: state.turn, image_id: id, value });
}

function openDetail(hit, atWhy = false) {
  detail.open(hit, state, atWhy);
  grid.markOpen(hit.image_id);
  compare();
}

function openAtWhy(hit) {
  openDetail(hit, true);
}

function step(from, by) {
  const hits = grid.hits();
  const next = hits[hits.findIndex((hit) => hit.image_id === from.image_id) + by];
  if (!next) return;
  openDetail(next);
  grid.element(next.image_id).scrollIntoView({ block: "nearest" });
}

function returnToGrid(hit) {
  grid.markOpen(null);
  if (hit) grid.element(hit.image_id)?.querySelector("a").focus({ preventScroll: true });
}

const opensElsewhere = (event) => event.ctrlKey || event.metaKey || event.shiftKey;

grid.list.onclick = (event) => {
  const hit = grid.hitAt(event.target);
  if (!hit || opensElsewhere(event)) return;
  const action = actionOf(event);
  if (action) ON_HIT[action](hit);
  else if (event.target.closest(".hit-open")) openDetail(hit);
  else return;
  event.preventDefault();
};
byId("detail").addEventListener("click", async (event) => {
  if (detail.hit) ON_HIT[actionOf(event)]?.(detail.hit);
  const id = event.target.closest("[data-figure]")?.dataset.figure;
  if (!id || opensElsewhere(event)) return;
  event.preventDefault();
  const hit = grid.hits().find((one) => one.image_id === Number(id));
  openDetail(hit ?? (await request("GET", `images/${id}`)));
});
const part = byId("detail").querySelector(".part-form");
enableRegion(part);
part.onsubmit = (event) => {
  if (state.turn === null) return;
  event.preventDefault();
  edit({ op: "like", image_id: detail.hit.image_id, region: regionOf(part) }, say("part"), true);
};
root.onclick = (event) => {
  const { offer } = event.target.closest(".offer") ?? {};
  if (!offer || opensElsewhere(event)) return;
  event.preventDefault();
  edit(offer.edits, offer.label);
};
byId("problem").onclick = (event) => {
  if (actionOf(event) === "retry") begin(lastAsk.message, lastAsk.said, lastAsk.onImage);
};
byId("new-order").onclick = () => grid.release();
byId("more").onclick = (event) => {
  if (state.turn === null) return;
  event.preventDefault();
  connection.send({ type: "page", turn: state.turn, offset: state.hits.length });
};
byId("empty").onclick = (event) => {
  if (!event.target.closest(".suggestion")) return;
  event.preventDefault();
  ask(event.target.textContent);
};
listenToDeleting(byId("conversations"), (item) => {
  if (item.querySelector("[aria-current]")) location.assign(document.querySelector(".new").href);
});
const cutPicture = listenToPictures(composer.form, {
  root,
  dialog: byId("own-part"),
  onPictures: (pictures) => ask("", pictures),
  onPart: (chip, picture) => edit([{ op: "remove", chip }, { op: "picture", ...picture }], say("part")),
  onRefused: ({ message }) => tell({ message: message || say("unreachable"), still_works: "" }),
});
listenToTyping(composer.field, byId("typed"));
listenToSaving(() => state);
listenToKeys({
  focusComposer: () => composer.focus(),
  dialog: byId("keys"),
  detail,
});

// --- Where the page begins

async function openTurn(element) {
  thread.select(element);
  grid.wait();
  lastAsk = null;
  framesOf(await request("GET", `turns/${element.dataset.turn}`)).forEach(receive);
}

/**
 * A search that came by its address belongs to no turn yet: asked again, it becomes one. What words
 * cannot say stays as the server rendered it.
 */
function adopt(answer) {
  const turn = Number(thread.current.dataset.turn) || null;
  const { utterance } = thread;
  state = { ...state, ...answer, query: answer.state, utterance, turn, leg: "fused", phase: "done" };
  grid.adopt(answer.hits);
  if (turn) {
    thread.renderChips(state.chips);
    showFacets(state.facets);
    renderOffers(state.offers);
  } else if (root.dataset.said) {
    thread.current.remove();
    composer.clear();
    return ask(root.dataset.said);
  }
  render();
}

if (byId("response")) adopt(JSON.parse(byId("response").textContent));
else if (thread.current) openTurn(thread.current);
