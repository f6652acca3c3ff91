// The page of one image.
import "./copy.js";
import "./unfold.js";
import { enableZoom } from "./zoom.js";

enableZoom(document.querySelector(".zoom"));
