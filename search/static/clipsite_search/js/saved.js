import { byId } from "./dom.js";
import { listenToDeleting } from "./history.js";

const page = byId("main");

listenToDeleting(page, () => {
  page.querySelector(".saved-none").hidden = page.querySelector("[data-kept]") !== null;
});
