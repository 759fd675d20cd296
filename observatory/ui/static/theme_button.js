// The button that chooses the theme: as the system says, light, dark. What was chosen is remembered.

import { find, say } from "./dom.js";

const NEXT = { system: "light", light: "dark", dark: "system" };
const root = document.documentElement;

export function themeButton() {
  const button = find("theme");
  name(button);
  button.onclick = () => {
    choose(NEXT[root.dataset.theme ?? "system"]);
    name(button);
    say(find("theme-name").textContent);
    dispatchEvent(new Event("themechange"));
  };
}

function choose(theme) {
  if (theme === "system") delete root.dataset.theme;
  else root.dataset.theme = theme;
  try {
    if (theme === "system") localStorage.removeItem("theme");
    else localStorage.setItem("theme", theme);
  } catch {
    // Storage may be forbidden: then it holds until the page is left.
  }
}

function name(button) {
  const text = `Theme: ${root.dataset.theme ?? "as the system’s"}`;
  find("theme-name").textContent = text;
  button.title = text;
}
