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
    facets: [],
    hits: [],
    leg: null,
    moved: "", // what the final order did to the one that was seen before it
    ranked: 0,
    ...over,
  };
}

/** What the page knows the moment Enter is pressed. */
export function asked(state, utterance) {
  return { ...state, phase: "asking", utterance, notices: [], moved: "" };
}

/** False for a frame of another turn, and for one seen before. */
export function accepts(state, frame) {
  const { type, turn, data, seq } = frame;
  const isAsking = state.phase === "asking";
  const isCurrent = turn === state.turn;
  if (type === "feedback") return true;
  if (type === "ack") return !isCurrent;
  if (type === "error") return turn === null || isCurrent || isAsking;
  return isCurrent && !isAsking && (data.leg === "page" || seq > state.lastSeq);
}

const REDUCERS = {
  ack: (state, { conversation, title, utterance }) => ({
    phase: "streaming", conversation, title, leg: null, moved: "",
    utterance: utterance || state.utterance,
  }),
  // `explained` is the image that "why" was asked about.
  chips: (state, { state: query, link, chips, notices, moves = [], explained, can_undo, saved }) => ({
    query, link, chips, notices, moves, explained, canUndo: can_undo, saved,
  }),
  hits: (state, { leg, hits, ranked }) =>
    leg === "page"
      ? { hits: [...state.hits, ...unseen(state.hits, hits)], ranked }
      : { hits, leg, ranked },
  facets: (state, data) => ({ facets: data.fields }),
  done: (state, { total, ranked, folded, offers, notices }) => ({
    phase: "done", total, ranked, folded, offers,
    notices: [...new Set([...state.notices, ...notices])],
  }),
  error: (state, problem, problemTurn) => ({ phase: "failed", problem, problemTurn }),
  feedback: ({ hits }, { image_id: id, value: feedback }) => ({
    hits: hits.map((hit) => (hit.image_id === id ? { ...hit, feedback } : hit)),
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

const some = (answer, names) =>
  Object.fromEntries(names.split(" ").map((name) => [name, answer[name]]));

export const hitsOf = (answer, leg) =>
  ({ leg, took_ms: answer.timing.total_ms, ...some(answer, "hits ranked offset") });

/** A stored answer, told in the frames the socket would have sent. */
export function framesOf(answer) {
  const parts = [
    ["ack", some(answer, "conversation title utterance")],
    ["chips", some(answer, "state link chips notices moves explained can_undo saved")],
    ["hits", hitsOf(answer, "fused")],
    ["facets", { fields: answer.facets }],
    ["done", { ...some(answer, "total ranked folded strong timing offers"), notices: [] }],
  ];
  return parts.map(([type, data], index) => frameOf(answer.turn, index + 1, type, data));
}
