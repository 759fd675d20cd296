// Views by path. Views keep their state while another one is shown.

import { find } from "./dom.js";

/**
 * @typedef {object} View
 * @property {string} name
 * @property {HTMLElement} element
 * @property {() => string} title
 * @property {(match: RegExpExecArray | null) => void} show
 * @property {() => void} hide
 * @property {(event: KeyboardEvent) => boolean} key whether the view handled it
 */

/** @type {[RegExp, View][]} */
let table = [];
/** @type {View | null} */
let current = null;
const scrolled = new Map();

export const params = () => new URLSearchParams(location.search);

/** Show the view of the current URL. `routes`: [[pattern, view], …]. */
export function start(routes) {
  table = routes;
  history.scrollRestoration = "manual";
  addEventListener("popstate", () => show(true));
  document.addEventListener("click", follow);
  show();
}

/** Follow links within the page without loading it. */
function follow(event) {
  const link = event.target.closest?.("a[href^='/']");
  const special = event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey;
  if (!link || special || event.defaultPrevented || link.hasAttribute("download")) return;
  if (link.pathname.startsWith("/api/") || link.target) return;
  event.preventDefault();
  go(link.pathname + link.search);
}

export function go(address, { replace = false } = {}) {
  const same = address === location.pathname + location.search;
  if (replace || same) history.replaceState(history.state, "", address);
  else history.pushState({ inside: true }, "", address);
  show();
}

/** Set query parameters: a value, an array of values, or null to remove one. */
export function change(parts, options) {
  const query = params();
  for (const [key, value] of Object.entries(parts)) {
    query.delete(key);
    for (const each of [value].flat()) if (each !== null && each !== "") query.append(key, each);
  }
  go(query.size ? `${location.pathname}?${query}` : location.pathname, options);
}

/** Back to the previous view; to the list if the page was opened from elsewhere. */
export function back() {
  if (history.state?.inside) history.back();
  else go("/traces");
}

export const shownView = () => current;

function show(again = false) {
  const [view, match] = matching(location.pathname);
  if (view !== current) swap(view, again);
  view.show(match);
  document.title = `${view.title()} – Vitrine`;
}

/** @returns {[View, RegExpExecArray | null]} */
function matching(path) {
  for (const [pattern, view] of table) {
    const match = pattern.exec(path);
    if (match) return [view, match];
  }
  return [table[0][1], null];
}

function swap(view, again) {
  if (current) {
    scrolled.set(current, scrollY);
    current.hide();
  }
  current = view;
  find("main").replaceChildren(view.element);
  document.body.dataset.view = view.name;
  for (const link of /** @type {NodeListOf<HTMLElement>} */ (
    document.querySelectorAll("nav [data-view]")
  ))
    link.ariaCurrent = link.dataset.view === view.name ? "page" : null;
  scrollTo(0, again ? (scrolled.get(view) ?? 0) : 0);
}
