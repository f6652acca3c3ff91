// Runs before the first paint of a page in a frame: says to the element around it that it is here.
parent.postMessage("clip-search", "*");
