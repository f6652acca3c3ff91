// The column of turns and the labels of the current one.
import { actionOf, fill, fromTemplate } from "./dom.js";
import { chipHint, nextWeight, outcome, say, weightText } from "./words.js";

export class Thread {
  constructor(list, { onEdit, onPart, onOpenTurn, onUndo }) {
    Object.assign(this, { list, onEdit, onPart });
    this.current = list.querySelector(".turn.is-current");
    list.onclick = (event) => {
      const action = actionOf(event);
      if (action === "open-turn") onOpenTurn(event.target.closest(".turn"));
      if (action === "undo") onUndo();
    };
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
    const { phase, turn, utterance, notices, moved, moves, canUndo } = state;
    if (turn !== null && phase !== "asking") {
      this.current.dataset.turn = this.current.querySelector("[name=turn]").value = turn;
    }
    this.current.classList.toggle("is-waiting", phase === "asking" || phase === "streaming");
    fill(this.current, { utterance, outcome: outcome(state), moved });
    const notes = notices.map((sentence, index) => {
      const note = fromTemplate("note");
      // A search that began anew without being asked to can be taken back on the spot.
      fill(note, { sentence, undo: index === 0 && canUndo && moves.includes("new") });
      return note;
    });
    this.current.querySelector(".notices").replaceChildren(...notes);
  }

  renderChips(chips) {
    const others = chips.filter(({ id }) => /^(exclude:)?synonym:/.test(id));
    const said = chips.filter((chip) => !others.includes(chip));
    this.current.querySelectorAll(".chips").forEach((list, index) => {
      list.inert = false;
      list.replaceChildren(...[said, others][index].map((chip) => this.#chip(chip)));
    });
    fill(this.current, { others: others.length });
    this.focusNext?.focus();
    this.stepped = this.focusNext = null;
    this.current.scrollIntoView({ block: "nearest" });
  }

  #chip(chip) {
    const element = fromTemplate("chip");
    const [label, less, more, cross] = element.querySelectorAll("button");
    const change = (edit, said) => this.onEdit({ chip: chip.id, ...edit }, said);
    const remove = () => change({ op: "remove" }, say("removed", chip.label));
    const rewrite = (text) => change({ op: "rewrite", text }, text);
    fillChip(element, chip);
    if (chip.editable) label.onclick = () => editInPlace(label, chip, rewrite);
    if (chip.upload) label.onclick = () => this.onPart(chip);
    label.onkeydown = ({ key }) => {
      if (key === "Delete" || key === "Backspace") remove();
    };
    cross.ariaLabel = say("remove", chip.label);
    cross.onclick = remove;
    for (const [stepper, step] of chip.weighable ? [[less, -1], [more, 1]] : []) {
      const weight = nextWeight(chip.weight, step);
      const id = `${step} ${chip.id}`;
      stepper.disabled = weight === undefined;
      // Keeps the label in editing, so that nothing moves under the pointer.
      stepper.onmousedown = () => false;
      stepper.onclick = () => {
        this.stepped = id;
        change({ op: "weigh", weight }, chip.label);
      };
      if (this.stepped === id) this.focusNext = stepper.disabled ? label : stepper;
    }
    return element;
  }
}

function fillChip(element, chip) {
  const { kind, label, inferred, expired, weight, thumbnail_url } = chip;
  const hint = chipHint(chip);
  const shown = weightText(weight);
  const marks = [
    inferred && "is-inferred", expired && "is-expired", weight < 0 && "is-away",
    weight !== 1 && "is-weighed",
  ];
  element.classList.add(`chip-${kind}`, ...marks.filter(Boolean));
  element.title = hint;
  element.querySelector("use").setAttribute("href", `#i-${kind}`);
  fill(element, { ...chip, thumbnail_url, weight: shown, origin: inferred ? hint : "" });
  for (const way of ["less", "more"]) {
    element.querySelector(`.chip-${way}`).ariaLabel = `${say(way, label)}, ${shown}`;
  }
  if (thumbnail_url) element.querySelector(".chip-thumb").src = thumbnail_url;
}

function editInPlace(label, chip, onRewrite) {
  const value = chip.value ?? chip.label;
  const input = document.createElement("input");
  Object.assign(input, { className: "chip-edit", value, size: value.length + 2, ariaLabel: value });
  label.replaceWith(input);
  input.select();
  input.onblur = () => input.replaceWith(label);
  input.onkeydown = (event) => {
    const { key } = event;
    if (key !== "Enter" && key !== "Escape") return;
    event.preventDefault();
    input.onblur = null;
    input.replaceWith(label);
    label.focus();
    const text = input.value.trim();
    if (key === "Enter" && text && text !== value) onRewrite(text);
  };
}
