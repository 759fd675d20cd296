// The selected time range in the URL: last=<seconds>|all, or from and to in milliseconds since 1970.

import { el } from "./dom.js";
import { moment, span } from "./format.js";
import { change, params } from "./router.js";

const ALL = 31_622_400; // a year, the longest retention
const CHOICES = [
  ["900", "Last 15 min"],
  ["3600", "Last hour"],
  ["21600", "Last 6 h"],
  ["86400", "Last 24 h"],
  ["all", "All stored data"],
];
const DEFAULT = "3600";

/** Whether the range ends now, so that new data may appear in it. */
export const isOpen = (query = params()) => !query.has("to");

/** The range as API parameters. */
export function forApi(query) {
  const range = new URLSearchParams();
  if (query.has("from") || query.has("to")) {
    for (const end of ["from", "to"]) if (query.has(end)) range.set(end, query.get(end));
  } else {
    const last = query.get("last") ?? DEFAULT;
    range.set("last", last === "all" ? ALL : last);
  }
  return range;
}

/** A select, followed by the custom range that was selected on a chart. */
export function rangeControl() {
  const select = el("select", { "aria-label": "Time range", name: "last" });
  const drawn = el("span.chip.drawn", { hidden: true });
  select.onchange = () => change({ last: select.value, from: null, to: null });
  return { elements: [select, drawn], show: () => show(select, drawn) };
}

function show(select, drawn) {
  const query = params();
  const [from, to] = ["from", "to"].map((end) => Number(query.get(end)));
  const isCustom = query.has("from") || query.has("to");
  const chosen = isCustom ? "" : (query.get("last") ?? DEFAULT);
  const choices =
    CHOICES.some(([value]) => value === chosen) || isCustom
      ? CHOICES
      : [...CHOICES, [chosen, `Last ${Number(chosen) ? span(Number(chosen)) : "?"}`]];
  const options = choices.map(([value, text]) => new Option(text, value));
  if (isCustom) options.unshift(new Option("Custom range", ""));
  select.replaceChildren(...options);
  select.value = chosen;
  drawn.hidden = !isCustom;
  if (!isCustom) return;
  const text = `${query.has("from") ? moment(from) : "…"} – ${query.has("to") ? moment(to) : "now"}`;
  const close = el("button", { type: "button", "aria-label": "Clear the custom range" }, "×");
  close.onclick = () => change({ from: null, to: null });
  drawn.replaceChildren(text, close);
}
