// Where cards go: when they may move, and the neighbour of a card in the rows.

/** Whether a new order waits: it would move what the reader is at. */
export const isHeldBack = (shown, next, isAttended) => isAttended && `${shown}` !== `${next}`;

/** How many of the next order were shown elsewhere before it, and how many were not shown. */
export function changes(shown, next) {
  const isNew = (id) => !shown.includes(id);
  const elsewhere = next.filter((id, index) => !isNew(id) && shown[index] !== id);
  return { moved: elsewhere.length, fresh: next.filter(isNew).length };
}

/** Index reached from `index` by an arrow key; cards in reading order, row by row. */
export function neighbour(cards, index, key) {
  const last = cards.length - 1;
  const inLine = { ArrowLeft: index - 1, ArrowRight: index + 1, Home: 0, End: last }[key];
  if (inLine !== undefined) return Math.max(0, Math.min(last, inLine));
  const { offsetTop: here } = cards[index];
  const beyond = cards.filter(({ offsetTop: top }) => (key === "ArrowDown" ? top > here : top < here));
  const row = beyond.at(key === "ArrowDown" ? 0 : -1)?.offsetTop;
  const middle = ({ offsetLeft, offsetWidth }) => offsetLeft + offsetWidth / 2;
  const distance = (card) => Math.abs(middle(card) - middle(cards[index]));
  const [nearest = cards[index]] = beyond
    .filter((card) => card.offsetTop === row)
    .sort((one, other) => distance(one) - distance(other));
  return cards.indexOf(nearest);
}
