// The page of one image: zoom and copy, nothing else.
import { enableSheet } from "./detail.js";

enableSheet(document.querySelector(".image-sheet"));
