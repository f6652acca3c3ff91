// Every sentence the page makes itself.

const plain = new Intl.NumberFormat("en");
const percent = new Intl.NumberFormat("en", { style: "percent" });
const plural = new Intl.PluralRules("en", { type: "ordinal" });
const ENDINGS = { one: "st", two: "nd", few: "rd", other: "th" };

export const number = (value) => plain.format(value);
export const ordinal = (value) => number(value) + ENDINGS[plural.select(value)];
export const images = (count) => (count === 1 ? "1 image" : `${number(count)} images`);

export function outcome({ phase, leg, ranked, total }) {
  if (phase === "asking") return "Searching";
  if (phase === "failed") return "No answer";
  if (phase === "streaming") return leg === "lexical" ? "Ranked by words, the picture follows" : "Searching";
  if (!ranked) return "No image";
  return total > ranked ? `${number(ranked)} ranked of ${number(total)}` : images(ranked);
}

export function announcement({ ranked, hits }) {
  if (!ranked || !hits.length) return "No image passes all of this.";
  return `${images(ranked)}, first: ${hits[0].caption}`;
}

/** The largest score the fusion can give; parts are drawn relative to it. */
export const scale = (fusion) => (fusion === "rrf" ? 2 / 61 : 1);

export function scoreText(hit) {
  const [score, words, picture] = [hit.score, hit.bm25_part, hit.cosine_part].map((part) =>
    part.toFixed(part < 0.1 ? 3 : 2),
  );
  return `Score ${score}: words ${words}, picture ${picture}.`;
}

export function why(hit, ranked) {
  const place = `${ordinal(hit.rank)} of ${number(ranked)}.`;
  if (!(hit.score > 0)) return `${place} It passes the labels; neither words nor picture lift it.`;
  const words = hit.bm25_part / hit.score;
  const [ofWords, ofPicture] = [words, 1 - words].map(percent.format);
  return `${place} Words give ${ofWords} of its score, the picture ${ofPicture}.`;
}

export function leg(hit, name) {
  if (name === "words") {
    if (!hit.lexical_rank) return "No word of the caption matches.";
    return `${ordinal(hit.lexical_rank)} by words, BM25 ${hit.bm25.toFixed(2)}`;
  }
  const place = hit.semantic_rank ? ordinal(hit.semantic_rank) : "Not among the first";
  return `${place} by picture, cosine ${hit.cosine.toFixed(3)}`;
}

export function attribution(hit) {
  return [hit.external_id, hit.credit, hit.source, hit.licence].filter(Boolean).join(". ");
}

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
