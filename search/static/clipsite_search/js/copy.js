// Buttons that copy a text, or the address of a path, and say so.
import { say } from "./words.js";

document.addEventListener("click", async ({ target }) => {
  const button = target.closest("[data-copy]");
  if (!button) return;
  const { path, text, notice = "" } = button.dataset;
  await navigator.clipboard.writeText(text ?? new URL(path, location));
  button.querySelector("span").textContent = `${say("copied")}. ${notice}`;
});
