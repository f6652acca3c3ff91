// A picture in its frame, zoomed and moved by wheel, pointer, keys and buttons, lit by sliders.
const FACTORS = { "+": 1.5, "=": 1.5, "-": 1 / 1.5, 0: 0 };
const ARROWS = { ArrowLeft: [48, 0], ArrowRight: [-48, 0], ArrowUp: [0, 48], ArrowDown: [0, -48] };

/** Returns what shows the picture as it is again. */
export function enableZoom(frame) {
  const image = frame.querySelector("img");
  const tools = frame.nextElementSibling;
  const light = tools.querySelector("form");
  let [scale, x, y, last] = [1, 0, 0];
  frame.tabIndex = 0;

  /** Moves as far as the picture reaches beyond its frame. */
  const move = (byX, byY) => {
    const { offsetWidth: w, offsetHeight: h, naturalWidth, naturalHeight } = image;
    const shown = Math.min(w / naturalWidth, h / naturalHeight) * scale;
    const within = (value, over) => (over > 0 ? Math.max(-over, Math.min(over, value)) : 0);
    x = within(x + byX, (naturalWidth * shown - w) / 2);
    y = within(y + byY, (naturalHeight * shown - h) / 2);
    image.style.transform = `translate(${x}px, ${y}px) scale(${scale})`;
    frame.classList.toggle("is-near", scale > 1);
    tools.querySelector("output").textContent = `${Math.round(scale * 100)} %`;
  };
  /** What is under the pointer, or else in the middle, stays where it is. */
  const zoom = (factor, event) => {
    const before = scale;
    scale = Math.min(8, Math.max(1, scale * factor));
    const { left, top, width, height } = frame.getBoundingClientRect();
    const byX = event ? event.clientX - left - width / 2 : 0;
    const byY = event ? event.clientY - top - height / 2 : 0;
    move((byX - x) * (1 - scale / before), (byY - y) * (1 - scale / before));
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
  frame.onpointerdown = frame.onpointermove = drag;
  frame.ondblclick = (event) => zoom(scale > 1 ? 0 : 2.5, event);
  frame.addEventListener("keydown", (event) => {
    if (!event.ctrlKey && !event.metaKey && !event.altKey && press(event.key)) event.preventDefault();
  });
  tools.addEventListener("click", (event) => press(event.target.dataset.zoom));
  light.oninput = () => {
    for (const { name, value } of light.querySelectorAll("input")) {
      image.style.setProperty(`--${name}`, `${value}%`);
    }
  };
  light.onreset = () => setTimeout(light.oninput);
  return () => {
    press("0");
    light.reset();
  };
}
