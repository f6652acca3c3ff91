// Where cards go: when they may move, and the neighbour of a card in the rows.

/** Whether a new order waits: it would move what the reader is at. */
export function isHeldBack(shown, next, isAttended) {
  const isSame = shown.length === next.length && next.every((id, index) => id === shown[index]);
  return isAttended && !isSame;
}

/** Index reached from `index` by an arrow key; rects are {left, top, width} in reading order. */
export function neighbour(rects, index, key) {
  const last = rects.length - 1;
  if (key === "ArrowLeft") return Math.max(0, index - 1);
  if (key === "ArrowRight") return Math.min(last, index + 1);
  if (key === "Home") return 0;
  if (key === "End") return last;
  const direction = key === "ArrowDown" ? 1 : -1;
  let row = index + direction;
  while (row >= 0 && row <= last && rects[row].top === rects[index].top) row += direction;
  if (row < 0 || row > last) return index;
  const middle = (rect) => rect.left + rect.width / 2;
  const distance = (rect) => Math.abs(middle(rect) - middle(rects[index]));
  return rects.reduce(
    (best, rect, i) =>
      rect.top === rects[row].top && distance(rect) < distance(rects[best]) ? i : best,
    row,
  );
}
