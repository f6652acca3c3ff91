import assert from "node:assert/strict";
import { test } from "node:test";

import { changes, isHeldBack, neighbour } from "../../search/static/clipsite_search/js/order.js";

test("the same order is shown, even to somebody who is at the images", () => {
  assert.equal(isHeldBack([1, 2], [1, 2], true), false);
});

test("a new order is shown when nobody is at the images, and held back otherwise", () => {
  assert.equal(isHeldBack([1, 2], [2, 1], false), false);
  assert.equal(isHeldBack([1, 2], [2, 1], true), true);
  assert.equal(isHeldBack([1, 2], [1, 2, 3], true), true);
});

// Two rows: three cards above, two wider ones below.
const cards = [
  { offsetLeft: 0, offsetTop: 0, offsetWidth: 100 },
  { offsetLeft: 110, offsetTop: 0, offsetWidth: 100 },
  { offsetLeft: 220, offsetTop: 0, offsetWidth: 100 },
  { offsetLeft: 0, offsetTop: 200, offsetWidth: 155 },
  { offsetLeft: 165, offsetTop: 200, offsetWidth: 155 },
];

test("arrows left and right follow the ranking and stop at its ends", () => {
  assert.equal(neighbour(cards, 2, "ArrowRight"), 3);
  assert.equal(neighbour(cards, 0, "ArrowLeft"), 0);
  assert.equal(neighbour(cards, 4, "ArrowRight"), 4);
});

test("arrows up and down reach the card nearest in the next row", () => {
  assert.equal(neighbour(cards, 0, "ArrowDown"), 3);
  assert.equal(neighbour(cards, 2, "ArrowDown"), 4);
  assert.equal(neighbour(cards, 4, "ArrowUp"), 2);
});

test("there is no row above the first nor below the last", () => {
  assert.equal(neighbour(cards, 1, "ArrowUp"), 1);
  assert.equal(neighbour(cards, 3, "ArrowDown"), 3);
});

test("Home and End reach both ends", () => {
  assert.equal(neighbour(cards, 3, "Home"), 0);
  assert.equal(neighbour(cards, 1, "End"), 4);
});

test("what stands elsewhere has moved, what was not there is new, what is gone is neither", () => {
  assert.deepEqual(changes([1, 2, 3], [1, 3, 4]), { moved: 1, fresh: 1 });
  assert.deepEqual(changes([1, 2], [1, 2]), { moved: 0, fresh: 0 });
  assert.deepEqual(changes([], [1, 2]), { moved: 0, fresh: 2 });
});
