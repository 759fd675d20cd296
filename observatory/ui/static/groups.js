// Requests grouped by an attribute: the answer of /api/groups as a table.

import { scope, select } from "./compare_query.js";
import { el } from "./dom.js";
import { count, duration, percent } from "./format.js";
import { canBeFilteredBy, traceAddress } from "./ids.js";
import { name, oneLine } from "./text.js";

const HEADS = ["Requests", "Rate", "Errors", "Refused (4xx)", "p50", "p95"];

/** The table, with links to the requests of each group and to their comparison with the others. */
export function groupTable({ by, groups, more }) {
  const head = el(
    "tr",
    {},
    el("th", { scope: "col" }, el("bdi", {}, oneLine(by, 80))),
    ...HEADS.map((text) => el("th.number", { scope: "col" }, text)),
    el("th", { scope: "col" }, "Slowest"),
    el("th", { scope: "col" }, el("span.unseen", {}, "Actions")),
  );
  const rows = groups.map((group) => row(by, group));
  return el(
    "div.result",
    {},
    el(
      "div.scroll",
      { tabindex: "0", role: "region", "aria-label": "Groups" },
      el("table", {}, el("thead", {}, head), el("tbody", {}, ...rows)),
    ),
    more ? el("p.quiet", {}, `The ${groups.length} values with most requests are shown.`) : null,
  );
}

function row(by, group) {
  const cells = [
    count(group.requests),
    `${Number(group.rate.toPrecision(3))}/s`,
    percent(group.errors / group.requests),
    percent(group.refused / group.requests),
    duration(group.p50 * 1e6),
    duration(group.p95 * 1e6),
  ];
  const slowest = traceAddress(group.slowest);
  return el(
    "tr",
    {},
    el("td", {}, linkTo(by, group.value)),
    ...cells.map((text) => el("td.number", {}, text)),
    el("td", {}, slowest ? el("a", { href: slowest }, `${group.slowest.slice(0, 8)}…`) : "–"),
    el("td", {}, compareButton(by, group.value)),
  );
}

const filterOf = (by, value) =>
  by === "route" ? { route: value } : { attr: value === "" ? by : `${by}=${value}` };
const canFilter = (by, value) => canBeFilteredBy(by) && value !== "";

function linkTo(by, value) {
  if (!canFilter(by, value)) return name(value, 120);
  const query = scope();
  for (const [key, each] of Object.entries(filterOf(by, value))) query.append(key, each);
  return el("a", { href: `/traces?${query}` }, name(value, 120));
}

function compareButton(by, value) {
  if (!canFilter(by, value)) return null;
  const label = `Compare ${oneLine(value, 60)} with the others`;
  const button = el("button.small", { type: "button", "aria-label": label }, "Compare");
  button.onclick = () => select(filterOf(by, value));
  return button;
}
