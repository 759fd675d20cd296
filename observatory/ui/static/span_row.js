// One row of the waterfall: the span in the tree, and its bar on the time axis.

import { el } from "./dom.js";
import { count, duration } from "./format.js";
import { name, oneLine } from "./text.js";

const DEEPEST = 24; // levels with indentation; deeper ones have the same
const TICKS = 60; // events and log records shown on a bar

export const ROW = 26; // pixels, as in trace.css

/** The row of the span with index `place`. */
export function spanRow(model, timeline, place, { selected, found }) {
  const span = model.spans[place];
  const row = el(
    `div.span.s${model.colours.get(span.service) ?? 0}`,
    {
      role: "row",
      id: `span-${place}`,
      "data-place": String(place),
      "aria-level": String(span.depth + 1),
      "aria-rowindex": String(place + 2),
      "aria-selected": String(selected),
      "aria-expanded": model.isParent(place) ? String(!model.isFolded(place)) : null,
      "--depth": String(Math.min(span.depth, DEEPEST)),
    },
    head(model, span, place),
    el("div.track", { role: "gridcell" }, ...bars(model, timeline, span)),
  );
  row.classList.toggle("failed", span.status === "error");
  row.classList.toggle("selected", selected);
  row.classList.toggle("aside", found === false);
  return row;
}

function head(model, span, place) {
  const folded = model.isFolded(place);
  const fold = model.isParent(place)
    ? el(
        "span.fold",
        { "data-fold": "", "aria-hidden": "true", title: folded ? "Expand" : "Collapse" },
        folded ? `+${count(model.within(place))}` : "−",
      )
    : el("span.fold.none");
  const failed =
    span.status === "error"
      ? el("span.mark.bad", { role: "img", "aria-label": "error", title: "Error" }, "!")
      : null;
  const orphan = span.orphan
    ? el("span.badge", { title: "Parent span not received (yet)" }, "no parent")
    : null;
  return el(
    "div.who",
    { role: "gridcell" },
    fold,
    failed,
    el("span.name", {}, name(span.name, 200)),
    orphan,
    model.services.length > 1 ? el("span.service", {}, name(span.service, 60)) : null,
    hint(span),
  );
}

/** The SQL statement or URL, since span names are often generic. */
function hint({ attributes }) {
  const url = attributes["url.full"];
  const about =
    attributes["db.query.text"] ??
    (URL.canParse(url) ? `${new URL(url).host}${new URL(url).pathname}` : null);
  return about ? el("span.hint", {}, name(about, 80)) : null;
}

function bars(model, timeline, span) {
  const { offset, duration: length } = span;
  const logs = (model.logsOf.get(span.span_id) ?? []).slice(0, TICKS);
  return [
    piece(timeline, "span.bar", offset, length),
    ...span.critical.map(([start, long]) => piece(timeline, "i.critical", start, long)),
    ...span.events
      .slice(0, TICKS)
      .map((event) =>
        tick(
          timeline,
          `i.at-event${event.name === "exception" ? ".bad" : ""}`,
          event.offset,
          oneLine(event.name, 80),
        ),
      ),
    ...logs.map((log) =>
      tick(
        timeline,
        `i.at-log.${severityOf(log)}`,
        log.offset,
        oneLine(log.body || log.event || "", 120),
      ),
    ),
    label(timeline, span),
  ];
}

function piece(timeline, tag, offset, length) {
  const placed = timeline.piece(offset, length);
  return placed && el(tag, placed);
}

function tick(timeline, tag, offset, title) {
  const placed = timeline.point(offset);
  return placed && el(tag, { ...placed, title });
}

/** The duration, after the bar. */
function label(timeline, { offset, duration: length }) {
  const [start, end] = [timeline.at(offset), timeline.at(offset + length)];
  if (end < 0 || start > 1) return null;
  const place = Math.min(Math.max(end, 0), 1);
  return el("span.took", { "--l": `${place * 100}%` }, duration(length));
}

/** debug, info, warn or error, from the OpenTelemetry severity number. */
export function severityOf({ severity_number: number }) {
  if (number >= 17) return "error";
  if (number >= 13) return "warn";
  return number >= 9 || !number ? "info" : "debug";
}
