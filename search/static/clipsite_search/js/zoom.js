// A picture in its frame: nearer, farther, moved about, by wheel, pointer, keys and buttons.
const NEAREST = 8;
const FACTORS = { "+": 1.5, "=": 1.5, "-": 1 / 1.5, 0: 0 };
const ARROWS = { ArrowLeft: [48, 0], ArrowRight: [-48, 0], ArrowUp: [0, 48], ArrowDown: [0, -48] };

/** Returns what fits the picture into its frame again. */
export function enableZoom(frame) {
  const image = frame.querySelector("img");
  const tools = frame.nextElementSibling;
  let [scale, x, y, last] = [1, 0, 0];
  frame.tabIndex = 0;

  /** Moves as far as the picture reaches beyond its frame. */
  const move = (byX, byY) => {
    const [width, height] = ["width", "height"].map((name) => image.getAttribute(name));
    const { offsetWidth, offsetHeight } = image;
    const shown = Math.min(offsetWidth / width, offsetHeight / height) * scale;
    const within = (value, over) => Math.max(-1, Math.min(1, value / over || 0)) * Math.max(0, over);
    x = within(x + byX, (width * shown - offsetWidth) / 2);
    y = within(y + byY, (height * shown - offsetHeight) / 2);
    image.style.transform = `translate(${x}px, ${y}px) scale(${scale})`;
    frame.classList.toggle("is-near", scale > 1);
    tools.querySelector("output").textContent = `${Math.round(scale * 100)} %`;
  };
  /** What is under the pointer, or else in the middle, stays where it is. */
  const zoom = (factor, { clientX, clientY } = {}) => {
    const before = scale;
    scale = Math.min(NEAREST, Math.max(1, scale * factor));
    const { left, top, width, height } = frame.getBoundingClientRect();
    const grown = 1 - scale / before;
    const by = (at, middle, now) => ((at ?? middle) - middle - now) * grown;
    move(by(clientX, left + width / 2, x), by(clientY, top + height / 2, y));
  };
  const press = (key) => {
    if (key in FACTORS) zoom(FACTORS[key]);
    else if (scale > 1 && ARROWS[key]) move(...ARROWS[key]);
    else return false;
    return true;
  };
  const drag = (event) => {
    if (event.buttons && event.type === "pointermove") {
      frame.setPointerCapture(event.pointerId);
      move(event.clientX - last.clientX, event.clientY - last.clientY);
    }
    last = event;
  };

  frame.addEventListener("wheel", (event) => {
    if (event.deltaY > 0 && scale === 1) return; // the panel scrolls on
    event.preventDefault();
    zoom(2 ** (-event.deltaY / 400), event);
  });
  frame.addEventListener("pointerdown", drag);
  frame.addEventListener("pointermove", drag);
  frame.addEventListener("dblclick", (event) => zoom(scale > 1 ? 0 : 2.5, event));
  frame.addEventListener("keydown", (event) => {
    if (!event.ctrlKey && !event.metaKey && !event.altKey && press(event.key)) event.preventDefault();
  });
  tools.addEventListener("click", (event) => press(event.target.dataset.zoom));
  return () => press("0");
}
