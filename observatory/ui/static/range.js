// The range of time that is looked at, as the address has it: last=<seconds>|all, or from and to in
// milliseconds since 1970.

import { el } from "./dom.js";
import { moment } from "./format.js";
import { change, params } from "./router.js";

const ALL = 31_622_400; // a year: longer than anything may be kept
export const CHOICES = [
  ["900", "Last 15 min"],
  ["3600", "Last hour"],
  ["21600", "Last 6 h"],
  ["86400", "Last 24 h"],
  ["all", "All that is kept"],
];
const USUAL = "3600";

/** Whether the range ends now, so that something new may come into it. */
export const isOpen = (query = params()) => !query.has("to");

/** The same as the API wants it. */
export function forApi(query) {
  const range = new URLSearchParams();
  if (query.has("from") || query.has("to")) {
    for (const end of ["from", "to"]) if (query.has(end)) range.set(end, query.get(end));
  } else {
    const last = query.get("last") ?? USUAL;
    range.set("last", last === "all" ? ALL : last);
  }
  return range;
}

/** A select, and behind it the range that was drawn over a chart. */
export function rangeControl() {
  const select = el("select", { "aria-label": "Time range", name: "last" });
  const drawn = el("span.chip.drawn", { hidden: true });
  select.onchange = () => change({ last: select.value, from: null, to: null });
  return { elements: [select, drawn], show: () => show(select, drawn) };
}

function show(select, drawn) {
  const query = params();
  const [from, to] = ["from", "to"].map((end) => Number(query.get(end)));
  const isDrawn = query.has("from") || query.has("to");
  const chosen = isDrawn ? "" : (query.get("last") ?? USUAL);
  const choices =
    CHOICES.some(([value]) => value === chosen) || isDrawn
      ? CHOICES
      : [...CHOICES, [chosen, `Last ${Number(chosen) || "?"} s`]];
  const options = choices.map(([value, text]) => new Option(text, value));
  if (isDrawn) options.unshift(new Option("Drawn", ""));
  select.replaceChildren(...options);
  select.value = chosen;
  drawn.hidden = !isDrawn;
  if (!isDrawn) return;
  const text = `${query.has("from") ? moment(from) : "…"} – ${query.has("to") ? moment(to) : "now"}`;
  const close = el("button", { type: "button", "aria-label": "Leave this range" }, "×");
  close.onclick = () => change({ from: null, to: null });
  drawn.replaceChildren(text, close);
}
