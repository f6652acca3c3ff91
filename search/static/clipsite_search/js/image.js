// The page of one image.
import "./copy.js";
<<<<<<< HEAD
import { enableRegion } from "./region.js";
=======
import "./unfold.js";
>>>>>>> main
import { enableZoom } from "./zoom.js";

enableRegion(document.querySelector(".part-form"));
enableZoom(document.querySelector(".zoom"));
