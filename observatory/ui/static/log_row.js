// One log record: a line that expands to all its fields.

import { attributeTable } from "./attributes.js";
import { el } from "./dom.js";
import { duration, exactly, moment, toMs } from "./format.js";
import { traceAddress } from "./ids.js";
import { severityOf } from "./span_row.js";
import { asText, name, oneLine, whole } from "./text.js";

const MAX_ATTRIBUTES = 8; // shown in the line
const FIRST = [
  "http.request.method",
  "http.route",
  "http.response.status_code",
  "error.type",
];
const PROBLEM = /^\w+\.problem$/; // a service's own attribute for an error; comes after FIRST
const REPEATED = /^(?:event\.name|code\.|\w+\.(?:duration|input|recommendation|model)\b)/; // redundant in the line

/**
 * `offset`: nanoseconds from the start of the trace, shown instead of the time; `track`: the same as a
 * share of the duration; `link`: whether to link to the trace; `service`: whether to show it.
 * @param {any} log
 * @param {{offset?: number | null, track?: number | null, link?: boolean, service?: boolean}} options
 */
export function logRow(log, { offset = null, track = null, link = true, service = true } = {}) {
  const severity = severityOf(log);
  const details = el("div.details", { hidden: true });
  const line = el(
    "button.line",
    { type: "button", "aria-expanded": "false" },
    time(log, offset),
    el("span.severity", {}, oneLine(log.severity || severity, 8)),
    service ? el("span.service", {}, name(log.service ?? "", 40)) : null,
    body(log),
  );
  line.onclick = () => {
    if (!details.hasChildNodes()) details.append(...everything(log));
    details.hidden = !details.hidden;
    line.ariaExpanded = String(!details.hidden);
  };
  const mark =
    track === null
      ? null
      : el("div.track", { "aria-hidden": "true" }, el("i", { "--l": `${track * 100}%` }));
  const address = link ? traceAddress(log.trace_id, log.span_id) : null;
  const trace = address
    ? el("a.to-trace", { href: address, tabindex: "-1" }, oneLine(log.trace_id, 8).slice(0, 8))
    : null;
  return el(`div.log.${severity}`, {}, line, mark, trace, details);
}

function time({ time: at }, offset) {
  const text = offset === null ? moment(toMs(at), { milliseconds: true }) : `+${duration(offset)}`;
  return el("span.when", { title: exactly(at) }, text);
}

/** The event name, if any, then the body. */
function body(log) {
  const { body: content, event } = log;
  const text = asText(content);
  const named = event && event !== text ? el("b", {}, name(event, 80), " ") : null;
  return el("span.body", {}, named, el("bdi", {}, oneLine(text, 400)), firstAttributes(log));
}

/** The most important attributes. */
function firstAttributes({ attributes = {} }) {
  const last = (key) => (PROBLEM.test(key) ? FIRST.length : Infinity);
  const rank = (key) => (FIRST.includes(key) ? FIRST.indexOf(key) : last(key));
  const pairs = Object.entries(attributes)
    .filter(([key]) => !REPEATED.test(key))
    .sort(([one], [other]) => rank(one) - rank(other))
    .slice(0, MAX_ATTRIBUTES);
  if (!pairs.length) return null;
  return el(
    "span.attributes-inline",
    {},
    ...pairs.map(([key, value]) =>
      el("bdi", {}, `${oneLine(key, 60)}=${oneLine(asText(value), 40)} `),
    ),
  );
}

function everything(log) {
  const facts = [
    ["time", exactly(log.time)],
    ["severity", `${log.severity ?? ""} ${log.severity_number ?? ""}`],
  ];
  if (log.event) facts.push(["event", log.event]);
  const text = asText(log.body);
  const address = traceAddress(log.trace_id, log.span_id);
  return [
    text && text !== log.event ? whole(text, "pre.code") : null,
    el(
      "p.facts",
      {},
      ...facts.map(([key, value]) =>
        el("span", {}, el("span.quiet", {}, `${key} `), name(value, 120)),
      ),
    ),
    address
      ? el(
          "p",
          {},
          el("a", { href: address }, "Show span in trace ", el("code", {}, log.trace_id)),
        )
      : null,
    el("h4", {}, "Attributes"),
    attributeTable(log.attributes ?? {}, { list: "/logs" }),
    ...(log.resource
      ? [
          el("h4", {}, "Resource"),
          attributeTable(log.resource, { filterable: (key) => `resource.${key}`, search: false }),
        ]
      : []),
  ].filter(Boolean);
}
