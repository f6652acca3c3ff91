// A part of a picture: drawn with the pointer over it, or typed in percent.
const SIDES = ["left", "top", "width", "height"];
const LEAST = 5;
const percent = (share) => Math.min(100, Math.max(0, Math.round(100 * share)));

/** As shares of the picture: left, top, width, height. */
export const regionOf = ({ elements }) => SIDES.map((side) => elements[side].value / 100);

export function enableRegion(form) {
  const frame = form.querySelector(".part-frame");
  let start;
  const show = () => {
    for (const side of SIDES) frame.style.setProperty(`--${side}`, form.elements[side].value);
  };
  const placeOf = ({ clientX, clientY }) => {
    const { left, top, width, height } = frame.getBoundingClientRect();
    return [percent((clientX - left) / width), percent((clientY - top) / height)];
  };
  frame.onpointerdown = (event) => {
    event.preventDefault();
    frame.setPointerCapture(event.pointerId);
    start = placeOf(event);
  };
  frame.onpointermove = (event) => {
    if (!frame.hasPointerCapture(event.pointerId)) return;
    placeOf(event).forEach((end, axis) => {
      const first = Math.min(start[axis], end, 100 - LEAST);
      form.elements[SIDES[axis]].value = first;
      form.elements[SIDES[axis + 2]].value = Math.max(Math.max(start[axis], end) - first, LEAST);
    });
    show();
  };
  form.oninput = show;
}
