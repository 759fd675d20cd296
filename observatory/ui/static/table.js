// A plain table.

import { el } from "./dom.js";

/** A table in a box that scrolls; `heads`: texts, those that start with "#" are of numbers. */
export function table(label, heads, rows) {
  if (!rows.length) return null;
  const cells = heads.map((text) =>
    el(`th${text.startsWith("#") ? ".number" : ""}`, { scope: "col" }, text.replace("#", "")),
  );
  const body = rows.map((row) =>
    el(
      "tr",
      {},
      ...row.map((cell, at) => {
        const kind = heads[at].startsWith("#") ? ".number" : "";
        return at === 0 ? el(`th${kind}`, { scope: "row" }, cell) : el(`td${kind}`, {}, cell);
      }),
    ),
  );
  return el(
    "div.scroll",
    { tabindex: "0", role: "region", "aria-label": label },
    el("table.plain-table", {}, el("thead", {}, el("tr", {}, ...cells)), el("tbody", {}, ...body)),
  );
}
