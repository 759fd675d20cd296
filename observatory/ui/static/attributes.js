// A table of attributes; each value can be copied and used as a filter.

import { copy, el } from "./dom.js";
import { canBeFilteredBy, filterAddress } from "./ids.js";
import { asText, oneLine, whole } from "./text.js";

const SEARCHED_FROM = 8; // number of attributes from which there is a search field
const FILTERABLE = 256; // characters of a value

/** `filterable(key)`: the name for the filter, or null; `list`: path of the list to filter. */
export function attributeTable(
  attributes,
  { filterable = (key) => key, search = true, list: of = "/traces" } = {},
) {
  const entries = Object.entries(attributes).sort(([a], [b]) => (a < b ? -1 : 1));
  if (!entries.length) return el("p.quiet", {}, "None.");
  const rows = entries.map(([key, value]) => row(key, asText(value), filterable(key), of));
  const list = el("dl.attributes", {}, ...rows);
  if (!search || entries.length < SEARCHED_FROM) return list;
  const field = el("input.search", {
    type: "search",
    placeholder: "Search attributes",
    "aria-label": "Search attributes",
    spellcheck: "false",
  });
  field.oninput = () => filterRows(entries, rows, field.value);
  return el("div", {}, field, list);
}

/** A key that may wrap after a dot or underscore. */
function breakable(key) {
  const parts = oneLine(key, 200).split(/(?<=[._])/);
  return el("bdi", {}, ...parts.flatMap((part) => [part, el("wbr")]));
}

function filterRows(entries, rows, typed) {
  const wanted = typed.trim().toLowerCase();
  entries.forEach(([key, value], place) => {
    rows[place].hidden = !`${key} ${asText(value)}`.toLowerCase().includes(wanted);
  });
}

function row(key, text, filter, list) {
  const action = list === "/traces" ? "Filter traces by" : "Filter logs by";
  const label = oneLine(key, 60);
  const button = el("button.small", { type: "button", "aria-label": `Copy ${label}` }, "Copy");
  button.onclick = () => copy(text, button);
  const fits = filter && canBeFilteredBy(filter) && text.length <= FILTERABLE;
  const link = fits
    ? el(
        "a.small",
        { href: filterAddress(filter, text, list), "aria-label": `${action} ${label}`, title: action },
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
