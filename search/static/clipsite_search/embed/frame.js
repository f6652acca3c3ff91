// Runs before the first paint of a page in a frame: takes the host's colours, says that it is here.
(() => {
  const root = document.documentElement;
  const COLOUR = /^(#[\da-f]{3,8}|[a-z]{3,32}|(rgb|hsl|hwb|lab|lch|oklab|oklch)a?\([\d\s.,%/+a-z-]{1,60}\))$/i;
  const isColour = (value) => COLOUR.test(value) && CSS.supports("color", value);
  const CHECKS = {
    accent: isColour,
    background: isColour,
    text: isColour,
    radius: (value) => /^(0|\d{1,2}(\.\d{1,3})?(px|r?em))$/.test(value),
    font: (value) => /^[\w\s,"'-]{1,200}$/.test(value) && CSS.supports("font-family", value),
  };
  const set = (name, value) => root.style.setProperty(name, value);
  const mix = (one, share, other) => `color-mix(in srgb, ${one} ${share}%, ${other})`;

  // The element writes what it read of its own style into the frame's name, which outlasts a page.
  function told() {
    try {
      const { accent, background, text, radius, font } = JSON.parse(name);
      return { accent, background, text, radius, font };
    } catch {
      return {};
    }
  }
  const theme = Object.fromEntries(
    Object.entries(told()).filter(([what, value]) => typeof value === "string" && CHECKS[what](value)),
  );

  /** How bright it is to the eye, 0 to 1 (WCAG's relative luminance). */
  function luminance(colour) {
    const paint = new OffscreenCanvas(1, 1).getContext("2d");
    paint.fillStyle = colour;
    paint.fillRect(0, 0, 1, 1);
    const [red, green, blue] = [...paint.getImageData(0, 0, 1, 1).data].map((byte) =>
      byte <= 10 ? byte / 3294.6 : ((byte / 255 + 0.055) / 1.055) ** 2.4,
    );
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  }

  const { accent, background: room, text: ink } = theme;
  if (room && ink) {
    root.removeAttribute("data-theme");
    root.style.colorScheme = luminance(room) < luminance(ink) ? "dark" : "light";
    const shares = { panel: 97, raised: 99, film: 90, hover: 93, line: 84, "line-strong": 48, "ink-soft": 24 };
    set("--room", room);
    set("--ink", ink);
    for (const [token, share] of Object.entries(shares)) set(`--${token}`, mix(room, share, ink));
  }
  if (accent) {
    set("--teal", accent);
    set("--teal-fill", accent);
    set("--teal-wash", mix(accent, 14, "var(--raised)"));
    set("--mark", mix(accent, 28, "var(--raised)"));
    // The better of the two by contrast: they meet where (L + .05)² = 1.05 · .05.
    set("--on-teal", luminance(accent) > 0.179 ? "#000" : "#fff");
  }
  if (theme.radius) set("--radius", theme.radius);
  if (theme.font) set("--font", theme.font);
  set("--bar", "0px");

  // A frame is no place for other sites: most refuse to be shown in one.
  document.addEventListener("click", ({ target }) => {
    const link = target.closest("a[href]");
    if (link && link.origin !== location.origin) link.target = "_blank";
  });

  parent.postMessage("clip-search", "*");
})();
