/**
 * The text cut where marks begin and end: [{text, marked}], in order. Ranges count code points, as
 * Python does; they may overlap or reach past the end.
 */
export function segments(text, ranges) {
  const pieces = [];
  for (const [index, point] of [...text].entries()) {
    const marked = ranges.some(([start, end]) => start <= index && index < end);
    if (pieces.at(-1)?.marked === marked) pieces.at(-1).text += point;
    else pieces.push({ text: point, marked });
  }
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
