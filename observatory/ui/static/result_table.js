// The result table of a query: sortable, copyable as CSV, with links to traces.

import { copy, el } from "./dom.js";
import { count } from "./format.js";
import { traceAddress } from "./ids.js";
import { asText, oneLine } from "./text.js";

const PAGE = 500;
const NUMBER = /^(?:Nullable\(|LowCardinality\()*(?:U?Int|Float|Decimal)/;
const TRACE = /^(?:trace_?id|trace)$/i;
const SPAN = /^(?:span_?id|span)$/i;

export function resultTable({ columns, rows }) {
  const head = el("tr");
  const body = el("tbody");
  const more = el("button.older", { type: "button", hidden: true });
  const state = { rows, column: -1, down: false, most: PAGE };
  const draw = () => fill({ head, body, more, columns, state });
  head.append(
    ...columns.map((column, at) =>
      heading(column, at, state, () => ((state.rows = sorted(rows, state)), draw())),
    ),
  );
  more.onclick = () => ((state.most += 4 * PAGE), draw());
  draw();
  return el(
    "div.result",
    {},
    el(
      "div.scroll",
      { tabindex: "0", role: "region", "aria-label": "Result" },
      el("table", {}, el("thead", {}, head), body),
    ),
    more,
  );
}

export function copyButton({ columns, rows }) {
  const button = el("button.small", { type: "button" }, "Copy as CSV");
  button.onclick = () => copy(csv(columns, rows), button);
  return button;
}

function heading({ name, type }, at, state, draw) {
  const button = el(
    "button.plain",
    { type: "button", title: oneLine(type, 80) },
    el("bdi", {}, oneLine(name, 80)),
  );
  button.onclick = () => {
    Object.assign(state, {
      down: state.column === at ? !state.down : NUMBER.test(type),
      column: at,
    });
    draw();
  };
  return el("th", { scope: "col", class: NUMBER.test(type) ? "number" : "" }, button);
}

function sorted(rows, { column, down }) {
  const sign = down ? -1 : 1;
  return [...rows].sort((one, other) => sign * compared(one[column], other[column]));
}

function compared(one, other) {
  if (one === null || other === null) return Number(one === null) - Number(other === null);
  const [a, b] = [Number(one), Number(other)];
  if (one !== "" && other !== "" && !Number.isNaN(a) && !Number.isNaN(b)) return a - b;
  return asText(one).localeCompare(asText(other));
}

function fill({ head, body, more, columns, state }) {
  [...head.children].forEach((cell, at) => {
    cell.ariaSort = at === state.column ? (state.down ? "descending" : "ascending") : null;
  });
  const span = columns.findIndex(({ name }) => SPAN.test(name));
  body.replaceChildren(
    ...state.rows
      .slice(0, state.most)
      .map((row) => el("tr", {}, ...row.map((value, at) => cell(value, columns[at], row[span])))),
  );
  more.hidden = state.rows.length <= state.most;
  more.textContent = `Show more of ${count(state.rows.length)}`;
}

function cell(value, { name, type }, span) {
  if (value === null) return el("td.quiet", {}, "null");
  const text = asText(value);
  const address = TRACE.test(name)
    ? traceAddress(text, typeof span === "string" ? span : "")
    : null;
  if (address) return el("td", {}, el("a", { href: address }, el("code", {}, text.toLowerCase())));
  return el(
    "td",
    {
      class: NUMBER.test(type) ? "number" : "",
      title: text.length > 120 ? oneLine(text, 1000) : null,
    },
    el("bdi", {}, oneLine(text, 400)),
  );
}

/** RFC 4180. Untrusted text must not become a formula in a spreadsheet. */
function csv(columns, rows) {
  const field = (value) => {
    const text = value === null ? "" : asText(value);
    const harmless = typeof value === "string" && /^[=+@\t\r-]/.test(text) ? `'${text}` : text;
    return /[",\r\n]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
  };
  return [columns.map(({ name }) => name), ...rows]
    .map((row) => row.map(field).join(","))
    .join("\r\n");
}
