// A part of a picture: drawn with the pointer over it, or typed in percent.
const sidesOf = ({ elements: { left, top, width, height } }) => [left, top, width, height];

/** As shares of the picture: left, top, width, height. */
export const regionOf = (form) => sidesOf(form).map(({ value }) => value / 100);

export function enableRegion(form) {
  const frame = form.querySelector(".part-frame");
  const sides = sidesOf(form);
  let start = [0, 0];
  const placeOf = ({ offsetX, offsetY }) =>
    [offsetX / frame.clientWidth, offsetY / frame.clientHeight].map((share) =>
      Math.round(100 * Math.min(1, Math.max(0, share))),
    );
  form.oninput = () => {
    sides.forEach((side, index) => {
      frame.style.setProperty(`--${side.name}`, side.value);
      // No part reaches beyond the picture.
      if (index > 1) side.max = 100 - sides[index - 2].value;
    });
  };
  frame.onpointerdown = (event) => {
    event.preventDefault();
    frame.setPointerCapture(event.pointerId);
    start = placeOf(event);
  };
  frame.onpointermove = (event) => {
    if (!event.buttons) return;
    placeOf(event).forEach((end, axis) => {
      sides[axis].value = Math.min(start[axis], end);
      sides[axis + 2].value = Math.abs(start[axis] - end);
    });
    form.oninput();
  };
}
