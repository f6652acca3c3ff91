// What the modules read of a page, where there is none: its language and its sentences.
import { readFileSync } from "node:fs";

const source = readFileSync(new URL("../../search/sentences.py", import.meta.url), "utf-8");
const rows = [...source.matchAll(/^ {4}"(\w+)": _\("(.*)"\),$/gm)];
const textContent = JSON.stringify(Object.fromEntries(rows.map(([, name, text]) => [name, text])));

globalThis.document = {
  cookie: "",
  documentElement: { lang: "en" },
  querySelector: (selector) => (selector === "[data-api]" ? { dataset: { api: "/api/v1/" } } : null),
  getElementById: (id) => (id === "sentences" ? { textContent } : null),
};
