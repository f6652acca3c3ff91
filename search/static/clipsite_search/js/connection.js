// One socket, and the API in its place where it cannot be opened.
import { request } from "./http.js";
import { frameOf, framesOf, hitsOf } from "./state.js";
import { say } from "./words.js";

const FAILURES_BEFORE_HTTP = 2;
const LONGEST_WAIT = 30_000;
const STEADY_AFTER = 5_000;

/** Milliseconds before the nth attempt to open the socket again. */
export function backoff(attempt, random = Math.random()) {
  return Math.min(LONGEST_WAIT, 500 * 2 ** attempt) * (0.75 + random / 2);
}

const isAsk = ({ type }) => type === "query" || type === "edit_chips";

/** A new question takes the place of one that was not sent yet. */
export function enqueue(queue, message) {
  return [...(isAsk(message) ? queue.filter((waiting) => !isAsk(waiting)) : queue), message];
}

/** `unfinished()` gives {turn, last_seq} of a turn still streaming, or null. */
export function connect({ path, onFrame, unfinished }) {
  const url = `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}${path}`;
  let socket;
  let queue = [];
  let unanswered = null; // the question no ack came for: sent again after a reconnect
  let posted = null; // the question that went over HTTP
  let failures = 0;

  function send(message) {
    if (isAsk(message)) unanswered = message;
    if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message));
    else if (failures >= FAILURES_BEFORE_HTTP) viaHttp(message);
    else queue = enqueue(queue, message);
  }

  function open() {
    const opening = new WebSocket(url);
    socket = opening;
    socket.onopen = () => {
      // Opening proves little: only a frame, or standing for a while, clears the failures.
      setTimeout(() => {
        if (opening.readyState === WebSocket.OPEN) failures = 0;
      }, STEADY_AFTER);
      takeWaiting().forEach(send);
    };
    socket.onmessage = ({ data }) => {
      failures = 0;
      receive(JSON.parse(data));
    };
    socket.onclose = () => {
      failures += 1;
      setTimeout(open, backoff(failures));
      if (failures >= FAILURES_BEFORE_HTTP) takeWaiting().forEach(viaHttp);
    };
  }

  /** What is to be sent now, ahead of it what the broken socket left open. */
  function takeWaiting() {
    const waiting = queue;
    queue = [];
    const point = unfinished();
    const isLost = unanswered && unanswered !== posted && !waiting.includes(unanswered);
    if (isLost) waiting.unshift(unanswered);
    else if (point) waiting.unshift({ type: "resume", ...point });
    return waiting;
  }

  function receive(frame) {
    if (frame.type === "ack" || frame.type === "error") unanswered = null;
    onFrame(frame);
  }

  async function viaHttp(message) {
    try {
      for (const frame of await exchange(message)) receive(frame);
    } catch (error) {
      receive(failure(error));
    }
  }

  /** The frames that answer a message, from the API. */
  async function exchange(message) {
    const { type, ...body } = message;
    const { turn, offset, limit } = body;
    if (isAsk(message)) {
      posted = message;
      const answer = await request("POST", "turns", body);
      const { utterance } = message;
      return unanswered === message ? framesOf(answer, { ...answer, utterance }) : [];
    }
    if (type === "page") {
      const answer = await request("GET", `turns/${turn}?offset=${offset}&limit=${limit}`);
      return [frameOf(turn, 0, "hits", hitsOf(answer, "page"))];
    }
    if (type === "feedback") {
      return [frameOf(turn, 0, type, await request("PUT", `turns/${turn}/feedback`, body))];
    }
    const rest = framesOf(await request("GET", `turns/${turn}`), { turn }).slice(1);
    return rest.map((frame) => ({ ...frame, seq: body.last_seq + frame.seq }));
  }

  open();
  return { send };
}

function failure({ status, message }) {
  const isSignedOut = status === 401 || status === 403;
  const [code, what, next = say("stillHere")] = isSignedOut
    ? ["refused", say("signedOut"), say("signInAgain")]
    : status ? ["failed", message] : ["unreachable", say("unreachable")];
  return frameOf(null, 0, "error", { code, message: what, still_works: next });
}
