// The state of the page as a pure function of the frames that arrived.

export function initialState(over = {}) {
  return {
    conversation: null,
    turn: null,
    lastSeq: 0,
    phase: "idle", // idle, asking (no ack yet), streaming, done, failed
    utterance: "",
    title: "",
    query: {},
    chips: [],
    notices: [],
    moves: [],
    explained: null, // the image that "why" was asked about
    canUndo: false,
    facets: [],
    hits: [],
    leg: null,
    ranked: 0,
    folded: 0,
    total: null,
    problem: null,
    problemTurn: null,
    ...over,
  };
}

/** What the page knows the moment Enter is pressed. */
export function asked(state, utterance) {
  return { ...state, phase: "asking", utterance, notices: [], problem: null };
}

/** False for a frame of another turn, and for one seen before. */
export function accepts(state, frame) {
  switch (frame.type) {
    case "feedback":
      return true;
    case "ack":
      return frame.turn !== state.turn;
    case "error":
      return frame.turn === null || frame.turn === state.turn || state.phase === "asking";
    default:
      if (frame.turn !== state.turn || state.phase === "asking") return false;
      if (frame.type === "hits" && frame.data.leg === "page") return true;
      return frame.seq > state.lastSeq;
  }
}

const REDUCERS = {
  ack: (state, data) => ({
    phase: "streaming",
    conversation: data.conversation,
    title: data.title,
    utterance: data.utterance || state.utterance,
    leg: null,
  }),
  chips: (state, data) => ({
    query: data.state,
    link: data.link,
    chips: data.chips,
    notices: data.notices,
    moves: data.moves ?? [],
    explained: data.explained ?? null,
    canUndo: data.can_undo ?? false,
    saved: data.saved,
  }),
  hits: (state, data) =>
    data.leg === "page"
      ? { hits: [...state.hits, ...unseen(state.hits, data.hits)], ranked: data.ranked }
      : { hits: data.hits, leg: data.leg, ranked: data.ranked },
  facets: (state, data) => ({ facets: data.fields }),
  done: (state, data) => ({
    phase: "done",
    total: data.total,
    ranked: data.ranked,
    folded: data.folded,
    offers: data.offers,
    notices: [...new Set([...state.notices, ...data.notices])],
  }),
  error: (state, data, turn) => ({ phase: "failed", problem: data, problemTurn: turn }),
  feedback: (state, data) => ({
    hits: state.hits.map((hit) =>
      hit.image_id === data.image_id ? { ...hit, feedback: data.value } : hit,
    ),
  }),
};

export function reduce(state, frame) {
  if (!accepts(state, frame)) return state;
  const change = REDUCERS[frame.type]?.(state, frame.data, frame.turn) ?? {};
  if (frame.type === "feedback" || frame.turn === null) return { ...state, ...change };
  const lastSeq = frame.type === "ack" ? frame.seq : Math.max(state.lastSeq, frame.seq);
  return { ...state, ...change, turn: frame.turn, lastSeq };
}

/** Whether what is on show belongs to an earlier turn than the one that has just failed. */
export function showsAnother(state) {
  const { phase, leg, turn, problemTurn } = state;
  return phase === "failed" && leg === null && turn !== null && turn === problemTurn;
}

export function unseen(known, hits) {
  const ids = new Set(known.map((hit) => hit.image_id));
  return hits.filter((hit) => !ids.has(hit.image_id));
}

export const frameOf = (turn, seq, type, data) => ({ v: 1, turn, seq, type, t_ms: 0, data });

export function hitsOf({ hits, ranked, offset, timing }, leg) {
  return { leg, hits, ranked, offset, took_ms: timing.total_ms };
}

/** A stored answer, told in the frames the socket would have sent. */
export function framesOf(response, { turn, conversation, title, utterance }) {
  const { state, link, chips, notices, moves, explained, can_undo, saved } = response;
  const { facets, total, ranked, folded, strong, timing, offers } = response;
  const parts = [
    ["ack", { conversation, title, utterance }],
    ["chips", { state, link, chips, notices, moves, explained, can_undo, saved }],
    ["hits", hitsOf(response, "fused")],
    ["facets", { fields: facets }],
    ["done", { total, ranked, folded, strong, timing, notices: [], offers }],
  ];
  return parts.map(([type, data], index) => frameOf(turn, index + 1, type, data));
}
