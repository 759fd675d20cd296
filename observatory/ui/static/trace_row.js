// One trace in the list.

import { el } from "./dom.js";
import { ago, count, duration, exactly, toMs } from "./format.js";
import { traceAddress } from "./ids.js";
import { name, oneLine } from "./text.js";

const INSTANCE = 6; // characters

/** The row element; call `fill` again when the trace changes. */
export function traceRow(trace) {
  const row = el("div.entry", { role: "row" });
  fill(row, trace);
  return row;
}

export function fill(row, trace) {
  const focused = row.contains(document.activeElement);
  row.className = `entry ${trace.status === "error" ? "error" : trace.degraded ? "degraded" : "ok"}`;
  const tabIndex = row.querySelector("a")?.tabIndex ?? -1;
  row.replaceChildren(
    when(trace),
    what(trace),
    status(trace),
    took(trace),
    spans(trace),
    errors(trace),
  );
  row.querySelector("a").tabIndex = tabIndex;
  if (focused) row.querySelector("a").focus({ preventScroll: true });
}

/** Update the relative time. */
export function refreshTime(row, now) {
  const time = row.querySelector("time");
  time.textContent = ago(Number(time.dataset.ms), now);
}

const cell = (kind, ...children) => el(`div.${kind}`, { role: "gridcell" }, ...children);

function when({ time }) {
  const ms = toMs(time);
  const title = exactly(time);
  return cell(
    "when",
    el("time", { datetime: new Date(ms).toISOString(), title, "data-ms": String(ms) }, ago(ms)),
  );
}

function what(trace) {
  const shown = trace.route || trace.name || "(no name)";
  const method =
    trace.method && !shown.startsWith(trace.method) ? `${oneLine(trace.method, 12)} ` : null;
  const link = el(
    "a",
    { href: traceAddress(trace.trace_id) },
    method && el("span.method", {}, method),
    name(shown, 120),
  );
  const others = trace.services.length - 1;
  const services = el(
    "span.services",
    {},
    name(trace.service, 60),
    others > 0 ? ` + ${others}` : null,
    trace.instance
      ? el(
          "span.instance",
          { title: `Instance ${oneLine(trace.instance, 80)}` },
          shortened(trace.instance),
        )
      : null,
  );
  const badges = [
    trace.degraded ? el("span.badge.degraded", {}, "degraded") : null,
    trace.rootless
      ? el("span.badge", { title: "Root span missing; the earliest span is shown" }, "no root")
      : null,
  ];
  return cell("what", link, services, ...badges);
}

/** Enough of an instance's id to tell it from others. */
const shortened = (instance) => ` ${oneLine(instance, INSTANCE)}`.replace(/…$/, "");

function status({ http_status: http, status: outcome }) {
  const text = http ? String(http) : outcome === "error" ? "error" : "";
  const kind = http >= 500 || (!http && outcome === "error") ? "bad" : http >= 400 ? "warned" : "";
  return cell("http", el("span", { class: kind }, oneLine(text, 12)));
}

function took(trace) {
  return cell(
    "took",
    el("span.bar", { "aria-hidden": "true" }, el("i")),
    el("b", {}, duration(trace.duration)),
  );
}

const spans = ({ spans: number }) => cell("spans", count(number));

function errors({ errors: number }) {
  return cell(
    "errors",
    number ? el("span.bad", { title: "Spans with an error" }, count(number)) : null,
  );
}
