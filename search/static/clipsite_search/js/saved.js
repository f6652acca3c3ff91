import { listenToDeleting } from "./history.js";

const page = document.getElementById("main");

listenToDeleting(page, page.dataset.api, () => {
  page.querySelector(".saved-none").hidden = page.querySelector("[data-kept]") !== null;
});
