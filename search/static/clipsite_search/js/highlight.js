/**
 * The text cut at its ranges: [{text, marked}], in order. Ranges count code points, as Python
 * does; they may overlap or reach past the end.
 */
export function segments(text, ranges) {
  const points = Array.from(text);
  const pieces = [];
  let position = 0;
  const cut = (from, to, marked) => {
    if (from < to) pieces.push({ text: points.slice(from, to).join(""), marked });
  };
  for (const [start, end] of [...ranges].sort((a, b) => a[0] - b[0] || a[1] - b[1])) {
    const from = Math.max(start, position);
    const to = Math.min(end, points.length);
    if (from >= to) continue;
    cut(position, from, false);
    cut(from, to, true);
    position = to;
  }
  cut(position, points.length, false);
  return pieces;
}

export function highlighted(text, ranges) {
  return segments(text, ranges).map((piece) => {
    if (!piece.marked) return piece.text;
    const mark = document.createElement("mark");
    mark.textContent = piece.text;
    return mark;
  });
}
