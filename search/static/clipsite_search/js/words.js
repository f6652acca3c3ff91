// What the page says itself. Its sentences stand in the page, in the reader's language.
import { byId } from "./dom.js";

let sentences;

/** The sentence of that name, with the values in their places. */
export function say(name, ...values) {
  sentences ??= JSON.parse(byId("sentences").textContent);
  return sentences[name].replaceAll("%s", () => values.shift());
}

export const number = (value, how) => value.toLocaleString(document.documentElement.lang, how);
export const images = (count) => say(count === 1 ? "image" : "images", number(count));

export function outcome({ phase, leg, ranked, folded, total }) {
  if (phase === "failed") return say("failed");
  if (phase === "streaming" && leg === "lexical") return say("byWords");
  if (phase === "asking" || phase === "streaming") return say("searching");
  if (!ranked) return say("none");
  const places = total > ranked ? say("rankedOf", number(ranked), number(total)) : images(ranked);
  return folded ? say("folded", places, number(folded)) : places;
}

/** What a new order did to the one that was seen before it; empty where that stands. */
export function changed({ moved, fresh }) {
  const there = moved && say(moved === 1 ? "movedOne" : "moved", number(moved));
  const here = fresh && say("newHere", number(fresh));
  return [there, here].filter(Boolean).join(", ");
}

export function announcement({ ranked, hits, moved }) {
  if (!ranked || !hits.length) return say("noneOfAll");
  const first = say("first", images(ranked), hits[0].alt);
  const told = hits[0].weak ? `${say("allWeak")} ${first}` : first;
  return moved ? `${moved}. ${told}` : told;
}

export const chipHint = ({ inferred, editable }) =>
  `${say(inferred ? "inferred" : "set")} ${say(editable ? "editable" : "removable")}`;

const WEIGHTS = [-2, -1, -0.5, 0.5, 1, 2];

/** The next weight up or down; undefined at the end. */
export const nextWeight = (weight, step) =>
  step > 0 ? WEIGHTS.find((one) => one > weight) : WEIGHTS.findLast((one) => one < weight);

export const weightText = (weight) => (weight < 0 ? `−${number(-weight)}` : `×${number(weight)}`);
