// Answers of the API on the standard input, as the page tells them to itself where no socket opens:
// {message, answer, status} → {sent, frames}.
import { readFileSync } from "node:fs";

import { connect } from "../../search/static/clipsite_search/js/connection.js";
import "../js/page.mjs";

const { message, answer, status } = JSON.parse(readFileSync(0, "utf-8"));
const sent = [];
const frames = [];

globalThis.location = { protocol: "http:", host: "localhost" };
globalThis.setTimeout = (call) => setImmediate(call); // no waiting before the next attempt
globalThis.WebSocket = class {
  static OPEN = 1;

  constructor() {
    setTimeout(() => this.onclose());
  }
};
globalThis.fetch = async (url, { method, body }) => {
  sent.push({ method, url, body: body && JSON.parse(body) });
  if (!status) throw new TypeError("unreachable");
  return Response.json(answer, { status });
};

const onFrame = (frame) => frames.push(frame);
const connection = connect({ path: "/ws/search/", onFrame, unfinished: () => null });
connection.send(message);
while (!frames.length) await new Promise(setImmediate);
process.stdout.write(JSON.stringify({ sent, frames }), () => process.exit());
