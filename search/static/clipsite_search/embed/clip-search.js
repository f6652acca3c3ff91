// <clip-search src="…/embed/" token="…">: the search page in a frame, in the colours of its host.
const SHEET = `
  :host { display: block; height: min(80vh, 720px); }
  :host([hidden]) { display: none; }
  iframe { width: 100%; height: 100%; border: 0; border-radius: inherit; }
  p { margin: 0; padding: 16px; }
`;
const REFUSED = "The search does not open here: its site does not answer, or does not allow this page.";
const PATIENCE = 2000; // ms from a frame's load to its greeting

class ClipSearch extends HTMLElement {
  static observedAttributes = ["src", "token"];
  #root = this.attachShadow({ mode: "open" });
  #frame;

  connectedCallback() {
    addEventListener("message", this);
    this.#open();
  }

  disconnectedCallback() {
    removeEventListener("message", this);
  }

  attributeChangedCallback() {
    if (this.#frame) this.#open();
  }

  handleEvent({ data, source }) {
    if (data === "clip-search" && source === this.#frame.contentWindow) this.#frame.greeted = true;
  }

  #open() {
    const frame = document.createElement("iframe");
    frame.title = this.title || "Search images";
    frame.allow = "clipboard-write";
    frame.src = new URL(`${this.getAttribute("token") || "own"}/`, new URL(this.getAttribute("src"), document.baseURI));
    frame.addEventListener("load", () => setTimeout(() => frame.greeted || this.#refuse(frame), PATIENCE));
    this.#frame = frame;
    this.#show(frame);
  }

  #refuse(frame) {
    if (frame !== this.#frame) return;
    const sentence = document.createElement("p");
    sentence.role = "alert";
    sentence.textContent = REFUSED;
    this.#show(sentence);
  }

  #show(element) {
    const sheet = document.createElement("style");
    sheet.textContent = SHEET;
    this.#root.replaceChildren(sheet, element);
  }
}

customElements.define("clip-search", ClipSearch);
