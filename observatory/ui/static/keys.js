// Global keyboard shortcuts; the current view handles a key first.

import { find } from "./dom.js";
import { back, go, shownView } from "./router.js";

const VIEWS = {
  h: "/",
  i: "/diagnose",
  t: "/traces",
  l: "/logs",
  c: "/charts",
  m: "/metrics",
  d: "/compare",
  o: "/model",
  s: "/sql",
};
let going = false; // the last key was "g"

export function listen() {
  const help = find("help");
  find("help-button").onclick = () => help.showModal();
  find("help-close").onclick = () => help.close();
  help.onclick = (event) => event.target === help && help.close();
  addEventListener("keydown", pressed);
}

/** @param {KeyboardEvent} event */
function pressed(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  if (document.querySelector("dialog[open]")) return;
  const typing = event.target instanceof Element && event.target.closest("input, select, textarea");
  if (typing instanceof HTMLElement) {
    if (event.key === "Escape") typing.blur();
    return;
  }
  if (jump(event) || shownView()?.key(event) || known(event)) event.preventDefault();
}

/** "g", then the letter of a view. */
function jump({ key }) {
  const to = going ? VIEWS[key] : undefined;
  going = key === "g";
  if (to) go(to);
  return Boolean(to);
}

function known({ key }) {
  if (key === "?") find("help").showModal();
  else if (key === "Escape") {
    if (shownView()?.name === "trace") back();
    else if (document.activeElement instanceof HTMLElement) document.activeElement.blur();
  } else return false;
  return true;
}
