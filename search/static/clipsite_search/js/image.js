// The page of one image.
import "./copy.js";
import { enableRegion } from "./region.js";
import "./unfold.js";
import { enableZoom } from "./zoom.js";

enableRegion(document.querySelector(".part-form"));
enableZoom(document.querySelector(".zoom"));
