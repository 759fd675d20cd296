// The theme button: system, light, dark. The choice is stored.

import { find, announce } from "./dom.js";

const NEXT = { system: "light", light: "dark", dark: "system" };
const root = document.documentElement;

export function themeButton() {
  const button = find("theme");
  name(button);
  button.onclick = () => {
    choose(NEXT[root.dataset.theme ?? "system"]);
    name(button);
    announce(find("theme-name").textContent);
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
    // Storage may be blocked; the choice is lost on reload.
  }
}

function name(button) {
  const text = `Theme: ${root.dataset.theme ?? "system"}`;
  find("theme-name").textContent = text;
  button.title = text;
}
