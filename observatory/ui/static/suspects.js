// The answer of /api/diagnose: the verdict, and each suspect with its evidence and its symptoms.

import { el } from "./dom.js";
import { clock, moment, percent } from "./format.js";
import { traceAddress } from "./ids.js";
import { oneLine } from "./text.js";

const STATES = {
  found: "Cause found",
  outside: "Not this service",
  quiet: "Nothing unusual",
  empty: "Nothing to compare",
};
const SHOWN = 4;
const TRACE = /\/trace\/([0-9a-f]{32})$/;

/** The verdict as a heading, with the times that were compared. */
export function verdict({ verdict: text, state, window, baseline }) {
  const [base, from, to] = [baseline[0], ...window].map((time) => Date.parse(time));
  return el(
    "div.answer",
    { "data-state": state },
    el(
      "h1.verdict",
      {},
      el("span.badge", {}, STATES[state] ?? oneLine(state, 20)),
      " ",
      el("span", {}, oneLine(text, 400)),
    ),
    el(
      "p.quiet.when",
      {},
      `${moment(from)} – ${moment(to)}, compared with the time since ${moment(base)}`,
    ),
  );
}

/** The suspects; `query`: the parameters of the diagnosis. */
export function suspects({ suspects: all, state }, query) {
  if (!all.length) return [el("p.notice", {}, ADVICE[state] ?? "")];
  const items = all.map((each) => suspect(each, query));
  const [first, others] = [items.slice(0, SHOWN), items.slice(SHOWN)];
  return [
    el("ol.findings.suspects", {}, ...first),
    others.length
      ? el(
          "details",
          {},
          el("summary", {}, `${others.length} more`),
          el("ol.findings.suspects.more", {}, ...others),
        )
      : null,
  ].filter(Boolean);
}

const ADVICE = {
  quiet:
    "No share, duration, score, limit or setting changed beyond chance. If something is wrong all the same, drag over the time in which it was, or choose another baseline.",
  empty: "Choose a window and a baseline in which there was traffic.",
};

function suspect(each, query) {
  const first = Date.parse(each.first_bad_minute);
  return el(
    "li",
    { "data-cause": each.cause },
    el(
      "h2",
      {},
      oneLine(each.sentence, 300),
      " ",
      el("span.badge", {}, each.outside ? `${each.class}, not this service` : each.class),
      each.explained ? el("span.quiet", {}, " explained by one above, or a second cause") : null,
    ),
    el("ul.evidence", {}, ...each.evidence.slice(0, SHOWN).map(evidence)),
    each.first_bad_minute
      ? el("p.quiet", {}, "First bad minute: ", el("b", {}, clock(first, { seconds: false })))
      : null,
    each.attribute ? separating(each.attribute, query) : null,
    examples(each.traces),
    each.explains.length ? paths(each) : null,
  );
}

/** A figure now and before; shares with a bar each. */
function evidence({ text, before, now }) {
  const isShare = text.includes("%") && Math.max(before, now) <= 1;
  const shown = el("span", {}, oneLine(text, 300));
  if (!isShare) return el("li", {}, shown);
  const bar = (kind, share) =>
    el(
      `div.${kind}`,
      {},
      el("i.bar", { "aria-hidden": "true", "--share": String(share) }),
      `${kind === "selected" ? "now" : "before"} ${percent(share)}`,
    );
  return el("li", {}, shown, el("div.shares", {}, bar("selected", now), bar("others", before)));
}

/** The attribute that separates bad from good, and where it is found. */
function separating(attribute, query) {
  const to = (path) => {
    const found = new URLSearchParams({ from: query.get("from"), to: query.get("to") });
    if (query.has("service")) found.set("service", query.get("service"));
    found.set("attr", attribute);
    return `${path}?${found}`;
  };
  return el(
    "p",
    {},
    "Separates bad from good: ",
    el("code", {}, oneLine(attribute, 120)),
    " – ",
    el("a", { href: to("/traces") }, "traces"),
    ", ",
    el("a", { href: to("/logs") }, "log records"),
  );
}

function examples(traces) {
  const ids = traces.map((each) => TRACE.exec(each)?.[1]).filter(Boolean);
  if (!ids.length) return null;
  return el(
    "p",
    {},
    "Examples: ",
    ids.flatMap((id, at) => [
      at ? ", " : null,
      el("a", { href: traceAddress(id) }, `${id.slice(0, 8)}…`),
    ]),
  );
}

/** From the cause to each symptom that it explains. */
function paths({ cause, explains }) {
  return el(
    "figure.paths",
    {},
    el("figcaption.quiet", {}, "From the cause to what was seen"),
    el(
      "ul",
      {},
      ...explains.map(({ path, sentence, evidence: figures }) =>
        el(
          "li",
          {},
          el(
            "ol.path",
            {},
            ...(path.length ? path : [cause]).map((step, at, all) =>
              el(at === all.length - 1 ? "li.symptom" : "li", {}, words(step)),
            ),
          ),
          el("span.quiet", {}, oneLine(`${sentence} ${figures[0] ?? ""}`, 300)),
        ),
      ),
    ),
  );
}

const words = (cause) => oneLine(cause.replaceAll("_", " "), 60);
