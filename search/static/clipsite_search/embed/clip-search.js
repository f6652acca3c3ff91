// <clip-search src="…/embed/" token="…">: the search page in a frame, in the colours of its host.
const THEME = ["accent", "background", "text", "radius", "font"];
const SHEET = `
  :host { display: block; height: min(80vh, 720px); }
  :host([hidden]) { display: none; }
  iframe { width: 100%; height: 100%; border: 0; border-radius: inherit; }
`;
const REFUSED = "The search does not open here: its site is down, or does not allow this page.";
const PATIENCE = 2000; // ms from load to greeting
const make = (tag, properties) => Object.assign(document.createElement(tag), properties);

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
    const frame = make("iframe", { title: this.title || "Search images", allow: "clipboard-write" });
    const style = getComputedStyle(this);
    const told = THEME.map((name) => [name, style.getPropertyValue(`--clip-search-${name}`)]);
    frame.name = JSON.stringify(Object.fromEntries(told));
    const door = new URL(this.getAttribute("src"), document.baseURI);
    frame.src = new URL(`./${this.getAttribute("token") || "own"}/`, door);
    frame.onload = () => setTimeout(() => frame.greeted || this.#refuse(frame), PATIENCE);
    this.#show((this.#frame = frame));
  }

  #refuse(frame) {
    if (frame === this.#frame) this.#show(make("p", { role: "alert", textContent: REFUSED }));
  }

  #show(element) {
    this.#root.replaceChildren(make("style", { textContent: SHEET }), element);
  }
}

customElements.define("clip-search", ClipSearch);
