import assert from "node:assert/strict";
import { test } from "node:test";

import { backoff, enqueue } from "../../search/static/clipsite_search/js/connection.js";

test("a later question takes the place of one still waiting", () => {
  const vote = { type: "feedback", image_id: 1 };
  const queue = [{ type: "query", utterance: "a" }, vote];
  const edit = { type: "edit_chips", turn: 1 };
  assert.deepEqual(enqueue(queue, edit), [vote, edit]);
});

test("votes wait in line", () => {
  const votes = [1, 2].map((id) => ({ type: "feedback", image_id: id }));
  assert.deepEqual(votes.reduce(enqueue, []), votes);
});

test("waits grow, differ between browsers and stay below a minute", () => {
  assert.ok(backoff(3, 0.5) > backoff(1, 0.5));
  assert.notEqual(backoff(2, 0), backoff(2, 1));
  assert.ok(backoff(50, 1) <= 60_000);
});
