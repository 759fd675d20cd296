// The details of a span, next to the waterfall.

import { address, statement } from "./code.js";
import { attributeTable } from "./attributes.js";
import { copy, el } from "./dom.js";
import { count, duration, percent } from "./format.js";
import { traceAddress } from "./ids.js";
import { logRow } from "./log_row.js";
import { asText, name, whole } from "./text.js";

const MANY = 100; // log records and events shown

/** {element, show(span, model)}; `close()` is called by the close button. */
export function spanPanel(close) {
  const button = el(
    "button.plain",
    { type: "button", "aria-label": "Close span details", title: "Close (Esc)" },
    "×",
  );
  button.onclick = close;
  const content = el("div.content");
  const element = el(
    "aside.panel",
    { "aria-label": "Span details", tabindex: "-1", hidden: true },
    button,
    content,
  );
  const show = (span, model) => {
    element.hidden = !span;
    if (!span || element.dataset.span === span.span_id) return;
    element.dataset.span = span.span_id;
    content.replaceChildren(...sections(span, model));
    element.scrollTop = 0;
  };
  return { element, show };
}

function sections(span, model) {
  const logs = model.logsOf.get(span.span_id) ?? [];
  return [
    head(span, model),
    facts(span, model),
    span.status_message ? el("div.message", {}, whole(span.status_message)) : null,
    statementOrUrl(span),
    section("Attributes", Object.keys(span.attributes).length, attributeTable(span.attributes)),
    span.events.length
      ? section("Events", span.events.length, ...span.events.slice(0, MANY).map(event))
      : null,
    logs.length
      ? section(
          "Logs",
          logs.length,
          ...logs
            .slice(0, MANY)
            .map((log) => logRow(log, { offset: log.offset, link: false, service: false })),
        )
      : null,
    span.links.length ? section("Links", span.links.length, ...span.links.map(link)) : null,
    folded(
      "Resource",
      attributeTable(model.resources[span.resource] ?? {}, {
        filterable: (key) => `resource.${key}`,
        search: false,
      }),
    ),
    ids(span),
  ].filter(Boolean);
}

const section = (title, number, ...content) =>
  el(
    "section",
    {},
    el("h3", {}, title, number === null ? null : el("small", {}, count(number))),
    ...content,
  );

const folded = (title, content) => el("details", {}, el("summary", {}, title), content);

function head(span, model) {
  const key = el(`span.key.s${model.colours.get(span.service) ?? 0}`, {}, name(span.service, 60));
  const failed = span.status === "error" ? el("span.badge.error", {}, "error") : null;
  return el(
    "header",
    {},
    el("h2", {}, name(span.name, 300)),
    el("p", {}, key, el("span.quiet", {}, name(span.kind, 20)), failed),
  );
}

function facts(span, { duration: all }) {
  const onPath = span.critical.reduce((sum, [, length]) => sum + length, 0);
  const pairs = [
    ["Duration", duration(span.duration)],
    ["Self time", duration(span.self)],
    ["Share of trace", percent(span.duration / all)],
    ["Critical path", onPath ? `${duration(onPath)}, ${percent(onPath / all)}` : "no"],
    ["Start offset", duration(span.offset)],
  ];
  if (span.skew) pairs.push(["Clock skew correction", duration(span.skew)]);
  return el(
    "dl.facts",
    {},
    ...pairs.map(([key, value]) => el("div", {}, el("dt", {}, key), el("dd", {}, value))),
  );
}

/** The SQL statement or URL of a database or HTTP span. */
function statementOrUrl({ attributes }) {
  const sql = attributes["db.query.text"] ?? attributes["db.statement"];
  const url = attributes["url.full"] ?? attributes["http.url"];
  if (sql !== undefined) return section("Statement", null, statement(asText(sql)));
  return url === undefined ? null : section("URL", null, address(asText(url)));
}

function event({ name: called, offset, attributes }) {
  const { "exception.stacktrace": stack, ...others } = attributes;
  const title = el(
    "h4",
    {},
    el("span.when", {}, offset < 0 ? `${duration(-offset)} before` : `+${duration(offset)}`),
    " ",
    name(called, 120),
  );
  const table = Object.keys(others).length ? attributeTable(others, { search: false }) : null;
  const trace = stack === undefined ? null : whole(asText(stack), "pre.code.stack");
  return el(`div.event${called === "exception" ? ".exception" : ""}`, {}, title, table, trace);
}

function link({ trace_id: traceId, span_id: spanId, attributes }) {
  const to = traceAddress(traceId, spanId);
  const text = [
    el("span", {}, "Trace "),
    el("code", {}, name(traceId, 32)),
    el("span", {}, " span "),
    el("code", {}, name(spanId, 16)),
  ];
  const table = Object.keys(attributes ?? {}).length
    ? attributeTable(attributes, { search: false })
    : null;
  return el("div.link", {}, to ? el("a", { href: to }, ...text) : el("p", {}, ...text), table);
}

function ids({ span_id: id, scope, parent_id: parent }) {
  const button = el("button.small", { type: "button", "aria-label": "Copy span id" }, "Copy");
  button.onclick = () => copy(id, button);
  const scoped =
    typeof scope === "object" && scope
      ? [scope.name, scope.version].filter(Boolean).join(" ")
      : scope;
  return el(
    "p.ids",
    {},
    el("span", {}, "span ", el("code", {}, name(id, 16)), " ", button),
    parent ? el("span", {}, "parent ", el("code", {}, name(parent, 16))) : null,
    scoped ? el("span", {}, "scope ", name(asText(scoped), 80)) : null,
  );
}
