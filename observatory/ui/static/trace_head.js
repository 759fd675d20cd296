// The header of a trace.

import { copy, el } from "./dom.js";
import { count, duration, exactly, plural, moment, toMs } from "./format.js";
import { showRaw } from "./raw.js";
import { name, oneLine } from "./text.js";

export function traceHead(model) {
  const { root, services, time } = model;
  const http = root?.attributes["http.response.status_code"];
  const errors = model.errors;
  const degraded = model.spans.some(({ attributes }) =>
    Object.entries(attributes).some(
      ([key, value]) => key.endsWith(".degraded") && String(value) === "true",
    ),
  );
  return el(
    "header.trace-head",
    {},
    el("h1", {}, name(root?.name ?? "(no spans)", 200)),
    el(
      "p.facts",
      {},
      el("b", {}, duration(model.duration)),
      http
        ? el(
            "span",
            { class: http >= 500 ? "bad" : http >= 400 ? "warned" : "" },
            "HTTP ",
            oneLine(http, 12),
          )
        : null,
      errors ? el("span.bad", {}, plural(errors, "error")) : null,
      degraded ? el("span.badge.degraded", {}, "degraded") : null,
      root?.orphan ? el("span.badge", {}, "root span missing") : null,
      el("time", { title: exactly(time) }, moment(toMs(time), { milliseconds: true })),
      el("span", {}, plural(model.total, "span")),
      el("span", {}, plural(model.logs.length, "log record")),
      el(
        "span.services",
        {},
        ...services.map((service) =>
          el(`span.key.s${model.colours.get(service)}`, {}, name(service, 40)),
        ),
      ),
    ),
    el("p.facts.ids", {}, el("code", {}, model.id), ...actions(model)),
    model.truncated
      ? el(
          "p.notice",
          {},
          `Only the first ${count(model.spans.length)} of ${count(model.total)} spans are shown.`,
        )
      : null,
  );
}

function actions({ id }) {
  const copying = el("button.small", { type: "button", "aria-label": "Copy trace id" }, "Copy");
  copying.onclick = () => copy(id, copying);
  const raw = el("button.small", { type: "button" }, "Raw JSON");
  raw.onclick = () => showRaw(id);
  const download = el(
    "a.small",
    { href: `/api/traces/${id}/raw`, download: `trace-${id}.json` },
    "Download",
  );
  const logs = el(
    "a.small",
    { href: `/logs?${new URLSearchParams({ last: "all", trace_id: id })}` },
    "Show in Logs",
  );
  return [copying, raw, download, logs];
}
