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

export class Connection {
  #socket = null;
  #queue = [];
  #unanswered = null; // the question no ack came for: sent again after a reconnect
  #posted = null; // the question that went over HTTP
  #failures = 0;

  /** `unfinished()` gives {turn, last_seq} of a turn still streaming, or null. */
  constructor({ path, onFrame, unfinished }) {
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const url = `${scheme}://${location.host}${path}`;
    Object.assign(this, { url, onFrame, unfinished });
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
    this.#socket = new WebSocket(this.url);
    this.#socket.onopen = ({ target }) => this.#opened(target);
    this.#socket.onmessage = ({ data }) => {
      this.#failures = 0;
      this.#receive(JSON.parse(data));
    };
    this.#socket.onclose = () => this.#closed();
  }

  /** Opening proves little: only a frame, or standing for a while, clears the failures. */
  #opened(socket) {
    setTimeout(() => {
      if (socket.readyState === WebSocket.OPEN) this.#failures = 0;
    }, STEADY_AFTER);
    this.#takeWaiting().forEach((message) => this.send(message));
  }

  #closed() {
    this.#failures += 1;
    setTimeout(() => this.#open(), backoff(this.#failures));
    if (this.#failures < FAILURES_BEFORE_HTTP) return;
    this.#takeWaiting().forEach((message) => this.#viaHttp(message));
  }

  /** What is to be sent now, ahead of it what the broken socket left open. */
  #takeWaiting() {
    const waiting = this.#queue;
    this.#queue = [];
    const asked = this.#unanswered;
    const point = this.unfinished();
    if (asked && asked !== this.#posted && !waiting.includes(asked)) waiting.unshift(asked);
    else if (point) waiting.unshift({ type: "resume", ...point });
    return waiting;
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

  /** The frames that answer a message, from the API. */
  async #exchange(message) {
    const { type, ...body } = message;
    const { turn, offset } = body;
    if (isAsk(message)) {
      this.#posted = message;
      const answer = await request("POST", "turns", body);
      return this.#unanswered === message ? framesOf(answer) : [];
    }
    if (type === "page") {
      const answer = await request("GET", `turns/${turn}?offset=${offset}`);
      return [frameOf(turn, 0, "hits", hitsOf(answer, "page"))];
    }
    if (type === "feedback") {
      return [frameOf(turn, 0, type, await request("PUT", `turns/${turn}/feedback`, body))];
    }
    const unfinished = framesOf(await request("GET", `turns/${turn}`)).slice(1);
    return unfinished.map((frame) => ({ ...frame, seq: body.last_seq + frame.seq }));
  }
}

function failure({ status, message }) {
  const isSignedOut = status === 401 || status === 403;
  const [code, what, next = say("stillHere")] = isSignedOut
    ? ["refused", say("signedOut"), say("signInAgain")]
    : status ? ["failed", message] : ["unreachable", say("unreachable")];
  return frameOf(null, 0, "error", { code, message: what, still_works: next });
}
