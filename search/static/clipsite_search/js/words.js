// Every sentence the page makes itself.

const plain = new Intl.NumberFormat("en");

export const number = (value) => plain.format(value);
export const images = (count) => (count === 1 ? "1 image" : `${number(count)} images`);

export function outcome({ phase, leg, ranked, folded, total }) {
  if (phase === "asking") return "Searching";
  if (phase === "failed") return "No answer";
  if (phase === "streaming") return leg === "lexical" ? "Ranked by words, the picture follows" : "Searching";
  if (!ranked) return "No image";
  const places = total > ranked ? `${number(ranked)} ranked of ${number(total)}` : images(ranked);
  return folded ? `${places}, ${number(folded)} similar folded` : places;
}

export function announcement({ ranked, hits }) {
  if (!ranked || !hits.length) return "No image passes all of this.";
  return `${images(ranked)}, first: ${hits[0].caption}`;
}

/** The largest score the fusion can give; parts are drawn relative to it. */
export const scale = (fusion) => (fusion === "rrf" ? 2 / 61 : 1);

export function chipHint({ inferred, editable }) {
  const origin = inferred ? "Read from your words." : "Set by hand.";
  return `${origin} ${editable ? "Enter edits, Delete removes." : "Delete removes."}`;
}

const WEIGHTS = [-2, -1, -0.5, 0.5, 1, 2];

/** The next weight up or down; undefined at the end. */
export const nextWeight = (weight, step) =>
  step > 0 ? WEIGHTS.find((one) => one > weight) : WEIGHTS.findLast((one) => one < weight);

export const weightText = (weight) =>
  weight < 0 ? `−${plain.format(-weight)}` : `×${plain.format(weight)}`;

export const SENTENCES = {
  unreachable: "The server cannot be reached.",
  stillHere: "What is on the page stays. Your words are kept.",
  signedOut: "Your session has ended.",
  signInAgain: "Load the page again to log in.",
  undo: "Undo",
  saved: "Saved",
  copied: "Copied",
  remove: (label) => `Remove ${label}`,
  weight: "Another weight",
  less: (label) => `Less of “${label}”`,
  more: (label) => `More of “${label}”`,
  picture: "Like my picture",
  without: (label) => `Without “${label}”`,
  like: "More like this image",
  unlike: "Less like this image",
  only: (label) => `Only ${label}`,
  any: (label) => `Any ${label}`,
  removed: (label) => `Without the label “${label}”`,
  rewritten: (from, to) => `“${to}” instead of “${from}”`,
  ranking: "Another ranking",
  forget: (title) => `Delete “${title}”?`,
};
