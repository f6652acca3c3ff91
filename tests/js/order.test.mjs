import assert from "node:assert/strict";
import { test } from "node:test";

import { isHeldBack, neighbour } from "../../search/static/clipsite_search/js/order.js";

test("the same order is shown, even to somebody who is at the images", () => {
  assert.equal(isHeldBack([1, 2], [1, 2], true), false);
});

test("a new order is shown when nobody is at the images, and held back otherwise", () => {
  assert.equal(isHeldBack([1, 2], [2, 1], false), false);
  assert.equal(isHeldBack([1, 2], [2, 1], true), true);
  assert.equal(isHeldBack([1, 2], [1, 2, 3], true), true);
});

// Two rows: three cards above, two wider ones below.
const rects = [
  { left: 0, top: 0, width: 100 },
  { left: 110, top: 0, width: 100 },
  { left: 220, top: 0, width: 100 },
  { left: 0, top: 200, width: 155 },
  { left: 165, top: 200, width: 155 },
];

test("arrows left and right follow the ranking and stop at its ends", () => {
  assert.equal(neighbour(rects, 2, "ArrowRight"), 3);
  assert.equal(neighbour(rects, 0, "ArrowLeft"), 0);
  assert.equal(neighbour(rects, 4, "ArrowRight"), 4);
});

test("arrows up and down reach the card nearest in the next row", () => {
  assert.equal(neighbour(rects, 0, "ArrowDown"), 3);
  assert.equal(neighbour(rects, 2, "ArrowDown"), 4);
  assert.equal(neighbour(rects, 4, "ArrowUp"), 2);
});

test("there is no row above the first nor below the last", () => {
  assert.equal(neighbour(rects, 1, "ArrowUp"), 1);
  assert.equal(neighbour(rects, 3, "ArrowDown"), 3);
});

test("Home and End reach both ends", () => {
  assert.equal(neighbour(rects, 3, "Home"), 0);
  assert.equal(neighbour(rects, 1, "End"), 4);
});
