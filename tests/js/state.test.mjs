import assert from "node:assert/strict";
import { test } from "node:test";

import { accepts, asked, framesOf, initialState, reduce, showsAnother } from "../../search/static/clipsite_search/js/state.js";

const hit = (id, over = {}) => ({ image_id: id, feedback: 0, ...over });
const frame = (type, data = {}, over = {}) => ({ v: 1, turn: 7, seq: 2, type, data, ...over });
const ack = (turn = 7) => frame("ack", { conversation: 3, title: "chest", utterance: "chest" }, { turn, seq: 1 });
const hits = (leg, ids, over) => frame("hits", { leg, hits: ids.map((id) => hit(id)), ranked: 40 }, over);
const after = (...frames) => frames.reduce(reduce, asked(initialState(), "chest"));

test("nothing of the old turn is taken between Enter and the ack", () => {
  const state = asked(after(ack()), "only ct");
  assert.equal(accepts(state, hits("fused", [1], { seq: 9 })), false);
});

test("a late frame of an old turn is dropped", () => {
  const state = after(ack(7), ack(8));
  assert.equal(reduce(state, hits("lexical", [1])), state);
});

test("a frame seen before is dropped", () => {
  const state = after(ack(), hits("lexical", [1], { seq: 3 }));
  assert.equal(accepts(state, hits("lexical", [2], { seq: 3 })), false);
  assert.equal(accepts(state, hits("fused", [2], { seq: 4 })), true);
});

test("a new turn starts counting frames anew", () => {
  const state = after(ack(), hits("fused", [1], { seq: 40 }), ack(8));
  assert.equal(state.lastSeq, 1);
  assert.equal(state.leg, null);
});

test("fused hits take the place of lexical ones", () => {
  const state = after(ack(), hits("lexical", [1, 2], { seq: 3 }), hits("fused", [2, 3], { seq: 4 }));
  assert.deepEqual(state.hits.map((each) => each.image_id), [2, 3]);
  assert.equal(state.leg, "fused");
});

test("a page is added, without the images already there, whatever its number", () => {
  const state = after(ack(), hits("fused", [1, 2], { seq: 9 }), hits("page", [2, 3], { seq: 0 }));
  assert.deepEqual(state.hits.map((each) => each.image_id), [1, 2, 3]);
  assert.equal(state.leg, "fused");
});

test("notices of chips and done are told once", () => {
  const chips = frame("chips", { state: {}, chips: [], notices: ["a"] });
  const done = frame("done", { total: 9, ranked: 4, notices: ["a", "b"] }, { seq: 8 });
  assert.deepEqual(after(ack(), chips, done).notices, ["a", "b"]);
});

test("an edit without words keeps the sentence of the page", () => {
  const silent = frame("ack", { conversation: 3, title: "chest", utterance: "" }, { seq: 1 });
  assert.equal(reduce(asked(initialState(), "Only CT"), silent).utterance, "Only CT");
});

test("an error before the ack ends the waiting and keeps the turn", () => {
  const state = reduce(asked(after(ack()), "x"), frame("error", { message: "no" }, { turn: null, seq: 0 }));
  assert.equal(state.phase, "failed");
  assert.equal(state.turn, 7);
});

test("a turn that failed before its first hits must not stand above those of another", () => {
  const earlier = [ack(7), hits("fused", [1], { seq: 3 })];
  assert.equal(showsAnother(after(...earlier, ack(8), frame("error", {}, { turn: 8 }))), true);
  assert.equal(showsAnother(after(...earlier, frame("error", {}, { turn: 7 }))), false);
  const refused = frame("error", {}, { turn: null, seq: 0 });
  assert.equal(showsAnother(reduce(after(...earlier), refused)), false);
});

test("an error of a turn left behind is dropped", () => {
  assert.equal(accepts(after(ack(7), ack(8)), frame("error", {}, { turn: 7 })), false);
});

test("a vote changes its image and nothing else", () => {
  const vote = frame("feedback", { turn: 5, image_id: 2, value: -1 }, { turn: 5, seq: 0 });
  const state = after(ack(), hits("fused", [1, 2]), vote);
  assert.deepEqual(state.hits.map((each) => each.feedback), [0, -1]);
  assert.equal(state.turn, 7);
});

test("an answer of the API ends in the same state as the frames of the socket", () => {
  const response = { state: { mode: "hybrid" }, chips: [{ id: "a" }], notices: ["n"], hits: [hit(4)], facets: [{ field: "sex" }], ranked: 1, total: 5, timing: {} };
  const told = { turn: 7, conversation: 3, title: "chest", utterance: "chest" };
  const viaHttp = after(...framesOf({ ...response, ...told }));
  const viaSocket = after(
    ack(),
    frame("chips", { state: response.state, chips: response.chips, notices: ["n"] }, { seq: 2 }),
    frame("hits", { leg: "fused", hits: response.hits, ranked: 1 }, { seq: 3 }),
    frame("facets", { fields: response.facets }, { seq: 4 }),
    frame("done", { total: 5, ranked: 1, notices: [] }, { seq: 5 }),
  );
  assert.deepEqual(viaHttp, viaSocket);
});
