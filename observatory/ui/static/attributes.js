// A table of attributes: what each is, to copy, and to look for other traces that have it.

import { copy, el } from "./dom.js";
import { canBeFilteredBy, filterAddress } from "./ids.js";
import { asText, oneLine, whole } from "./text.js";

const SEARCHED_FROM = 8; // fewer can be seen at a glance
const FILTERABLE = 256;

/** `filterable(key)`: the name to filter traces by, or null. */
export function attributeTable(
  attributes,
  { filterable = (key) => key, search = true, list: of = "/" } = {},
) {
  const entries = Object.entries(attributes).sort(([a], [b]) => (a < b ? -1 : 1));
  if (!entries.length) return el("p.quiet", {}, "None.");
  const rows = entries.map(([key, value]) => row(key, asText(value), filterable(key), of));
  const list = el("dl.attributes", {}, ...rows);
  if (!search || entries.length < SEARCHED_FROM) return list;
  const field = el("input.search", {
    type: "search",
    placeholder: "Search in these",
    "aria-label": "Search in these attributes",
    spellcheck: "false",
  });
  field.oninput = () => sift(entries, rows, field.value);
  return el("div", {}, field, list);
}

/** Long names go on in the next line after a dot. */
function breakable(key) {
  const parts = oneLine(key, 200).split(/(?<=[._])/);
  return el("bdi", {}, ...parts.flatMap((part) => [part, el("wbr")]));
}

function sift(entries, rows, typed) {
  const sought = typed.trim().toLowerCase();
  entries.forEach(([key, value], place) => {
    rows[place].hidden = !`${key} ${asText(value)}`.toLowerCase().includes(sought);
  });
}

function row(key, text, filter, list) {
  const leads = list === "/" ? "Traces with this" : "Logs with this";
  const told = oneLine(key, 60);
  const button = el("button.small", { type: "button", "aria-label": `Copy ${told}` }, "Copy");
  button.onclick = () => copy(text, button);
  const fits = filter && canBeFilteredBy(filter) && text.length <= FILTERABLE;
  const link = fits
    ? el(
        "a.small",
        { href: filterAddress(filter, text, list), "aria-label": `${leads} ${told}`, title: leads },
        "Filter",
      )
    : null;
  return el(
    "div",
    {},
    el("dt", {}, breakable(key)),
    el("dd", {}, whole(text), el("span.actions", {}, button, link)),
  );
}
