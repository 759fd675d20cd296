// The log records of a trace on its time axis.

import { el } from "./dom.js";
import { duration } from "./format.js";
import { traceAddress } from "./ids.js";
import { logRow } from "./log_row.js";
import { Rows } from "./rows.js";

/** {element, open(), key(event)}; `open()` creates the rows. */
export function traceLogs(model) {
  const list = el("div.logs.along");
  const element = el("section.trace-logs", { hidden: true, "aria-label": "Logs of the trace" });
  if (!model.logs.length) {
    element.append(el("p.notice", {}, "This trace has no log records."));
    return { element, open: () => {}, key: () => false };
  }
  const ends = [0, 0.5, 1].map((share) =>
    el("span", { "--l": `${share * 100}%` }, duration(model.duration * share)),
  );
  element.append(el("div.axis", { "aria-hidden": "true" }, el("div.marks", {}, ...ends)), list);
  const rows = new Rows(list, "button.line");
  const open = () => {
    if (list.hasChildNodes()) return;
    list.append(...model.logs.map((log) => row(log, model)));
    rows.refresh();
  };
  return { element, open, key: (event) => rows.key(event) };
}

function row(log, model) {
  const track = Math.max(0, Math.min(1, log.offset / model.duration));
  const full = {
    ...log,
    trace_id: model.id,
    service: log.service ?? model.spans[model.places.get(log.span_id)]?.service,
  };
  const element = logRow(full, {
    offset: log.offset,
    track,
    link: false,
    service: model.services.length > 1,
  });
  const address = model.places.has(log.span_id) ? traceAddress(model.id, log.span_id) : null;
  if (address) element.querySelector(".track").after(el("a.to-trace", { href: address }, "span"));
  return element;
}
