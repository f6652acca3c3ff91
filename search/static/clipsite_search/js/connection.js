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

const isAsk = (message) => message.type === "query" || message.type === "edit_chips";

/** A new question takes the place of one that was not sent yet. */
export function enqueue(queue, message) {
  return [...(isAsk(message) ? queue.filter((waiting) => !isAsk(waiting)) : queue), message];
}

export class Connection {
  #socket = null;
  #queue = [];
  #unanswered = null; // the question no ack came for: sent again after a reconnect
  #posted = null; // the question that went over HTTP
  #failures = 0;

  /** `unfinished()` gives {turn, last_seq} of a turn still streaming, or null. */
  constructor({ path, api, onFrame, unfinished }) {
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    this.url = `${scheme}://${location.host}${path}`;
    this.api = api;
    this.onFrame = onFrame;
    this.unfinished = unfinished;
    this.#open();
  }

  send(message) {
    if (isAsk(message)) this.#unanswered = message;
    if (this.#socket?.readyState === WebSocket.OPEN) {
      this.#socket.send(JSON.stringify(message));
    } else if (this.#failures >= FAILURES_BEFORE_HTTP) {
      this.#viaHttp(message);
    } else {
      this.#queue = enqueue(this.#queue, message);
    }
  }

  #open() {
    const socket = new WebSocket(this.url);
    this.#socket = socket;
    socket.addEventListener("open", () => this.#opened());
    socket.addEventListener("message", (event) => {
      this.#failures = 0;
      this.#receive(JSON.parse(event.data));
    });
    socket.addEventListener("close", () => this.#closed());
  }

  /** Opening proves little: only a frame, or standing for a while, clears the failures. */
  #opened() {
    const socket = this.#socket;
    setTimeout(() => {
      if (socket.readyState === WebSocket.OPEN) this.#failures = 0;
    }, STEADY_AFTER);
    const point = this.unfinished();
    const waiting = this.#queue;
    this.#queue = [];
    if (this.#lost(waiting)) this.send(this.#unanswered);
    else if (point) this.send({ type: "resume", ...point });
    waiting.forEach((message) => this.send(message));
  }

  #closed() {
    this.#failures += 1;
    setTimeout(() => this.#open(), backoff(this.#failures));
    if (this.#failures < FAILURES_BEFORE_HTTP) return;
    const waiting = this.#queue;
    this.#queue = [];
    if (this.#lost(waiting)) waiting.unshift(this.#unanswered);
    else if (!this.#unanswered) this.#fetchUnfinished();
    waiting.forEach((message) => this.#viaHttp(message));
  }

  /** A question that went out over a socket that broke before the ack. */
  #lost(waiting) {
    return this.#unanswered && this.#unanswered !== this.#posted && !waiting.includes(this.#unanswered);
  }

  #receive(frame) {
    if (frame.type === "ack" || frame.type === "error") this.#unanswered = null;
    this.onFrame(frame);
  }

  async #viaHttp(message) {
    try {
      for (const frame of await this.#exchange(message)) this.#receive(frame);
    } catch (error) {
      this.#receive(failure(error));
    }
  }

  async #exchange(message) {
    const { type, ...body } = message;
    const turns = `${this.api}turns`;
    if (isAsk(message)) {
      this.#posted = message;
      const answer = await request("POST", turns, body);
      return this.#unanswered === message
        ? framesOf(answer, { ...answer, utterance: message.utterance })
        : [];
    }
    if (type === "page") {
      const { turn, offset, limit } = message;
      const answer = await request("GET", `${turns}/${turn}?offset=${offset}&limit=${limit}`);
      return [frameOf(turn, 0, "hits", hitsOf(answer, "page"))];
    }
    if (type === "feedback") {
      const { turn } = message;
      return [frameOf(turn, 0, type, await request("PUT", `${turns}/${turn}/feedback`, body))];
    }
    return [];
  }

  async #fetchUnfinished() {
    const point = this.unfinished();
    if (!point) return;
    try {
      const answer = await request("GET", `${this.api}turns/${point.turn}`);
      const frames = framesOf(answer, { turn: point.turn }).slice(1);
      frames.forEach((frame, index) => this.onFrame({ ...frame, seq: point.last_seq + index + 1 }));
    } catch (error) {
      this.#receive(failure(error));
    }
  }
}

function failure({ status, message }) {
  const isSignedOut = status === 401 || status === 403;
  const [code, what, next] = isSignedOut
    ? ["refused", say("signedOut"), say("signInAgain")]
    : status
      ? ["failed", message, say("stillHere")]
      : ["unreachable", say("unreachable"), say("stillHere")];
  return frameOf(null, 0, "error", { code, message: what, still_works: next });
}
