// Runs before the first paint: what the reader chose, and what every page shares.
(() => {
  const root = document.documentElement;
  // Private windows may refuse storage; a choice then lasts for this page.
  const storage = (use) => {
    try {
      return use(localStorage);
    } catch {
      return null;
    }
  };
  const systemTheme = () => (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
  const choose = (name, value) => {
    root.dataset[name] = value;
    storage((kept) => kept.setItem(`clipsite-${name}`, value));
  };

  root.classList.add("js");
  for (const name of ["theme", "veil", "keys"]) {
    const value = storage((kept) => kept.getItem(`clipsite-${name}`));
    if (value) root.dataset[name] = value;
  }

  document.addEventListener("click", (event) => {
    const action = event.target.closest("[data-action]")?.dataset.action;
    const { theme = systemTheme(), veil } = root.dataset;
    if (action === "theme") choose("theme", theme === "dark" ? "light" : "dark");
    if (action === "veil") choose("veil", veil === "on" ? "off" : "on");
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      if (!menu.contains(event.target)) menu.open = false;
    }
  });
  document.addEventListener("change", (event) => {
    if (event.target.id === "single-keys") choose("keys", event.target.checked ? "on" : "off");
  });
  document.addEventListener("keydown", (event) => {
    const menu = event.key === "Escape" && document.querySelector("details.menu[open]");
    if (!menu) return;
    menu.open = false;
    menu.querySelector("summary").focus();
    event.preventDefault();
  });
})();
