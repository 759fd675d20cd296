// The list of traces. New traces are added at the top, unless the user is reading the list.

import { el } from "./dom.js";
import { plural } from "./format.js";
import { isTraceId } from "./ids.js";
import { Rows } from "./rows.js";
import { fill, refreshTime, traceRow } from "./trace_row.js";

const HEADS = [
  ["when", "Time"],
  ["what", "Request"],
  ["http", "Status"],
  ["took", "Duration"],
  ["spans", "Spans"],
  ["errors", "Errors"],
];
const SORTED = { when: "time", took: "duration" };
const canHover = matchMedia("(hover: hover)");

export class TraceList {
  #shown = new Map(); // trace id → {row, trace, json}
  /** @type {{answer: any[], more: boolean} | null} */
  #waiting = null;
  #column = "time";

  constructor() {
    const heads = HEADS.map(([kind, text]) => el(`div.${kind}`, { role: "columnheader" }, text));
    this.body = el("div.body", { role: "rowgroup" });
    this.pill = el("button.pill", { type: "button", hidden: true });
    this.pill.onclick = () => this.#catchUp(true);
    this.grid = el(
      "div.grid",
      { role: "grid", "aria-label": "Traces" },
      el("div", { role: "rowgroup" }, el("div.head", { role: "row" }, ...heads)),
      this.body,
    );
    this.element = el("section.list", {}, this.pill, this.grid);
    this.rows = new Rows(this.body, ".entry a");
    this.element.onpointerleave = () => this.#catchUp();
  }

  /** @param {"time" | "duration"} column */
  sortBy(column) {
    this.#column = column;
    for (const [kind, name] of Object.entries(SORTED))
      this.grid.querySelector(`.head .${kind}`).ariaSort = name === column ? "descending" : null;
  }

  get size() {
    return this.#shown.size;
  }

  /** Replace all rows. */
  set(traces) {
    this.#waiting = null;
    this.#shown.clear();
    this.body.replaceChildren();
    this.rows.forget();
    this.append(traces);
  }

  /** Add older traces. */
  append(traces) {
    for (const trace of usable(traces))
      if (!this.#shown.has(trace.trace_id)) this.#insert(trace, null);
    this.#settle();
  }

  /** Merge the newest page; `more`: there are older traces than these. */
  update(traces, more) {
    const answer = usable(traces);
    for (const trace of answer) this.#refill(trace);
    const now = Date.now();
    for (const { row } of this.#shown.values()) refreshTime(row, now);
    this.#waiting = { answer, more };
    this.#catchUp();
  }

  #refill(trace) {
    const known = this.#shown.get(trace.trace_id);
    const json = JSON.stringify(trace);
    if (!known || known.json === json) return;
    fill(known.row, trace);
    Object.assign(known, { trace, json });
    this.#settle();
  }

  #catchUp(requested = false) {
    if (!this.#waiting) return;
    const { answer, more } = this.#waiting;
    const fresh = answer.filter(({ trace_id: id }) => !this.#shown.has(id));
    this.pill.hidden = requested || !fresh.length || !this.#isRead();
    this.pill.textContent = `${plural(fresh.length, "new trace")} ↑`;
    if (!this.pill.hidden) return;
    this.#waiting = null;
    // No overlap with the list means a gap: start over.
    if (fresh.length && fresh.length === answer.length && more) this.set(answer);
    else
      fresh
        .reverse()
        .forEach((trace) => this.#insert(trace, this.#placeOf(trace)).classList.add("fresh"));
    if (requested) scrollTo({ top: 0 });
    this.#settle();
  }

  /** Whether the user is reading: the pointer or the focus is in the list, or it is scrolled. */
  #isRead() {
    if (!this.#shown.size) return false;
    const hovers = canHover.matches && this.grid.matches(":hover");
    return (
      hovers ||
      this.body.contains(document.activeElement) ||
      this.element.getBoundingClientRect().top < 0
    );
  }

  /** The first older row. */
  #placeOf({ time }) {
    for (const { row, trace } of this.#shown.values())
      if (BigInt(trace.time) < BigInt(time)) return row;
    return null;
  }

  #insert(trace, before) {
    const row = traceRow(trace);
    this.body.insertBefore(row, before);
    this.#shown.set(trace.trace_id, { row, trace, json: JSON.stringify(trace) });
    return row;
  }

  /** Sort the map like the rows; scale the bars to the slowest trace. */
  #settle() {
    const byTime = (a, b) => (BigInt(a.trace.time) < BigInt(b.trace.time) ? 1 : -1);
    const byDuration = (a, b) => b.trace.duration - a.trace.duration;
    const compare = this.#column === "time" ? byTime : byDuration;
    const entries = [...this.#shown].sort(([, a], [, b]) => compare(a, b));
    this.#shown = new Map(entries);
    const slowest = Math.max(1, ...entries.map(([, { trace }]) => trace.duration));
    for (const [, { row, trace }] of entries)
      row.style.setProperty("--share", trace.duration / slowest);
    const services = new Set(entries.map(([, { trace }]) => trace.service));
    const instances = new Set(entries.map(([, { trace }]) => `${trace.service} ${trace.instance}`));
    this.grid.classList.toggle("instances", instances.size > services.size);
    this.grid.ariaRowCount = String(entries.length + 1);
    this.rows.refresh();
  }
}

const usable = (traces) => traces.filter(({ trace_id: id }) => isTraceId(id));
