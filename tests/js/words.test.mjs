import assert from "node:assert/strict";
import { test } from "node:test";

import * as words from "../../search/static/clipsite_search/js/words.js";
import "./page.mjs";

const hit = (over = {}) => ({
  rank: 3, score: 0.8, bm25: 7.314, cosine: 0.2741, bm25_part: 0.2, cosine_part: 0.6,
  lexical_rank: 2, semantic_rank: 11, alt: "A chest radiograph.", ...over,
});

test("the outcome says how many of how many", () => {
  const done = { phase: "done", leg: "fused" };
  assert.equal(words.outcome({ ...done, ranked: 237, total: 1923 }), "237 ranked of 1,923");
  assert.equal(words.outcome({ ...done, ranked: 12, total: 12 }), "12 images");
  assert.equal(words.outcome({ ...done, ranked: 1, total: 1 }), "1 image");
  assert.equal(words.outcome({ ...done, ranked: 0, total: 0 }), "No image");
  const folded = { ...done, ranked: 7, folded: 1, total: 8 };
  assert.equal(words.outcome(folded), "7 ranked of 8, 1 similar folded");
});

test("the announcement names the first image", () => {
  const hits = [hit()];
  assert.equal(words.announcement({ ranked: 237, hits }), "237 images, first: A chest radiograph.");
  const weak = words.announcement({ ranked: 237, hits: [{ ...hit(), weak: true }] });
  assert.equal(weak, "Nothing matches well. 237 images, first: A chest radiograph.");
  assert.equal(words.announcement({ ranked: 0, hits: [] }), "No image passes all of this.");
});

test("weights go from away to more without a stop at nothing, and end", () => {
  const up = [-2];
  while (words.nextWeight(up.at(-1), 1) !== undefined) up.push(words.nextWeight(up.at(-1), 1));
  assert.deepEqual(up, [-2, -1, -0.5, 0.5, 1, 2]);
  assert.equal(words.nextWeight(0.5, -1), -0.5);
  assert.equal(words.nextWeight(-2, -1), undefined);
  assert.equal(words.nextWeight(0.25, 1), 0.5);
  assert.equal(words.weightText(-0.5), "−0.5");
});

test("a new order is told by what moved and what is new, and not at all where nothing did", () => {
  assert.equal(words.changed({ moved: 12, fresh: 3 }), "12 results moved, 3 new");
  assert.equal(words.changed({ moved: 1, fresh: 0 }), "1 result moved");
  assert.equal(words.changed({ moved: 0, fresh: 1 }), "1 new");
  assert.equal(words.changed({ moved: 0, fresh: 0 }), "");
});

test("the announcement tells what moved before the first image", () => {
  const told = words.announcement({ ranked: 2, hits: [hit()], moved: "1 result moved" });
  assert.equal(told, "1 result moved. 2 images, first: A chest radiograph.");
});
