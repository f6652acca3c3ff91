// The page of one image: enlarge and copy, nothing else.
import { enableSheet } from "./detail.js";
import { placeAll } from "./grid.js";

enableSheet(document.querySelector(".image-sheet"));
placeAll(document.querySelectorAll(".hit"));
