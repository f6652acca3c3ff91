// The column of turns and the labels of the current one.
import { actionOf, button, fill, fromTemplate } from "./dom.js";
import { chipHint, nextWeight, outcome, say, weightText } from "./words.js";

export class Thread {
  constructor(list, { onEdit, onOpenTurn, onUndo }) {
    this.list = list;
    this.onEdit = onEdit;
    this.onUndo = onUndo;
    this.current = list.querySelector(".turn.is-current");
    list.addEventListener("click", (event) => {
      if (actionOf(event) === "open-turn") onOpenTurn(event.target.closest(".turn"));
    });
  }

  get utterance() {
    return this.current?.querySelector(".utterance").textContent ?? "";
  }

  begin(utterance) {
    const turn = fromTemplate("turn");
    this.list.append(turn);
    this.select(turn);
    fill(turn, { utterance });
  }

  /** Makes `turn` the one the page shows; the labels of the others rest. */
  select(turn) {
    this.current?.classList.remove("is-current", "is-waiting");
    for (const chips of this.current?.querySelectorAll(".chips") ?? []) chips.inert = true;
    this.current = turn;
    turn.classList.add("is-current");
    turn.scrollIntoView({ block: "nearest" });
  }

  render(state) {
    const isWaiting = ["asking", "streaming"].includes(state.phase);
    if (state.turn !== null && state.phase !== "asking") {
      this.current.dataset.turn = this.current.querySelector("[name=turn]").value = state.turn;
    }
    this.current.classList.toggle("is-waiting", isWaiting);
    fill(this.current, { utterance: state.utterance, outcome: outcome(state) });
    const notes = state.notices.map(note);
    // A search that began anew without being asked to can be taken back on the spot.
    if (notes.length && state.canUndo && state.moves.includes("new")) {
      const undo = button(say("undo"), this.onUndo);
      undo.className = "quiet";
      notes[0].append(undo);
    }
    this.current.querySelector(".notices").replaceChildren(...notes);
  }

  renderChips(chips) {
    const more = chips.filter(({ id }) => /^(exclude:)?synonym:/.test(id));
    const said = chips.filter((chip) => !more.includes(chip));
    this.current.querySelectorAll(".chips").forEach((list, index) => {
      list.inert = false;
      list.replaceChildren(...[said, more][index].map((chip) => this.#chip(chip)));
    });
    fill(this.current, { others: `+${more.length}` });
    this.current.querySelector(".others").hidden = !more.length;
    this.focusNext?.focus();
    this.stepped = this.focusNext = null;
    this.current.scrollIntoView({ block: "nearest" });
  }

  #chip(chip) {
    const element = fromTemplate("chip");
    const [label, less, more, cross] = element.querySelectorAll("button");
    const change = (edit, said) => this.onEdit({ chip: chip.id, ...edit }, said);
    const remove = () => change({ op: "remove" }, say("removed", chip.label));
    const rewrite = (text) =>
      change({ op: "rewrite", text }, say("rewritten", text, chip.label));
    fillChip(element, chip);
    if (chip.editable) label.addEventListener("click", () => editInPlace(label, chip, rewrite));
    label.addEventListener("keydown", (event) => {
      if (event.key === "Delete" || event.key === "Backspace") remove();
    });
    cross.ariaLabel = say("remove", chip.label);
    cross.addEventListener("click", remove);
    for (const [stepper, step] of chip.weighable ? [[less, -1], [more, 1]] : []) {
      const weight = nextWeight(chip.weight, step);
      const id = `${step} ${chip.id}`;
      stepper.disabled = weight === undefined;
      // Keeps the label in editing, so that nothing moves under the pointer.
      stepper.addEventListener("mousedown", (event) => event.preventDefault());
      stepper.addEventListener("click", () => {
        this.stepped = id;
        change({ op: "weigh", weight }, say("weight"));
      });
      if (this.stepped === id) this.focusNext = stepper.disabled ? label : stepper;
    }
    return element;
  }
}

function fillChip(element, chip) {
  const hint = chipHint(chip);
  element.classList.add(`chip-${chip.kind}`);
  element.classList.toggle("is-inferred", chip.inferred);
  element.title = hint;
  element.querySelector("use").setAttribute("href", `#i-${chip.kind}`);
  const { expired, weight: w } = chip;
  const marks = { "is-expired": expired, "is-away": w < 0, "is-weighed": w !== 1 };
  element.classList.add(...Object.keys(marks).filter((mark) => marks[mark]));
  element.querySelector(".chip-weigh").hidden = !chip.weighable;
  const weight = weightText(chip.weight);
  fill(element, { label: chip.label, weight, origin: chip.inferred ? hint : "" });
  for (const way of ["less", "more"]) {
    element.querySelector(`.chip-${way}`).ariaLabel = `${say(way, chip.label)}, ${weight}`;
  }
  const thumbnail = element.querySelector(".chip-thumb");
  thumbnail.hidden = !chip.thumbnail_url;
  if (chip.thumbnail_url) thumbnail.src = chip.thumbnail_url;
}

function editInPlace(label, chip, onRewrite) {
  const before = chip.value ?? chip.label;
  const input = document.createElement("input");
  Object.assign(input, { className: "chip-edit", value: before, size: before.length + 2 });
  input.ariaLabel = before;
  label.replaceWith(input);
  input.select();
  const close = () => input.replaceWith(label);
  input.addEventListener("blur", close);
  input.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" && event.key !== "Escape") return;
    event.preventDefault();
    input.removeEventListener("blur", close);
    close();
    label.focus();
    const text = input.value.trim();
    if (event.key === "Enter" && text && text !== before) onRewrite(text);
  });
}

function note(sentence) {
  const element = fromTemplate("note");
  element.querySelector("span").textContent = sentence;
  return element;
}
