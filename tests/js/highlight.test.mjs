import assert from "node:assert/strict";
import { test } from "node:test";

import { segments } from "../../search/static/clipsite_search/js/highlight.js";

const marked = (text, ranges) =>
  segments(text, ranges).map((piece) => (piece.marked ? `[${piece.text}]` : piece.text)).join("");

test("ranges are marked in place, in any order", () => {
  assert.equal(marked("right pleural effusion", [[14, 22], [0, 5]]), "[right] pleural [effusion]");
});

test("overlapping ranges are marked once", () => {
  assert.equal(marked("pleural effusion", [[0, 10], [8, 16]]), "[pleural effusion]");
  assert.equal(marked("abc", [[0, 3], [1, 2]]), "[abc]");
});

test("ranges past the end and empty ranges lose nothing and add nothing", () => {
  assert.equal(marked("abc", [[2, 99], [1, 1], [50, 60]]), "ab[c]");
});

test("ranges count characters outside the basic plane as one", () => {
  assert.equal(marked("𝛼 decay", [[2, 7]]), "𝛼 [decay]");
});

test("markup in a caption stays text", () => {
  assert.deepEqual(segments("<b>x</b>", []), [{ text: "<b>x</b>", marked: false }]);
});

test("an empty caption has no pieces", () => {
  assert.deepEqual(segments("", [[0, 3]]), []);
});
