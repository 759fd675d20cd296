// What separates two sets of requests: the answer of /api/compare.

import { own } from "./compare_query.js";
import { el } from "./dom.js";
import { count, percent } from "./format.js";
import { traceAddress } from "./ids.js";
import { oneLine } from "./text.js";

/** Tests that a filter of the list of traces can express. */
const EXACT = ["=", "occurs"];

/** The elements for an answer. */
export function findings(answer) {
  return [
    el("p.summary", {}, oneLine(answer.summary, 600)),
    answer.findings.length
      ? el("ol.findings", {}, ...answer.findings.map((each) => finding(each, answer)))
      : null,
    answer.definition.length
      ? el(
          "p.quiet",
          {},
          "Left out, because they define the sets: ",
          answer.definition.map((each) => oneLine(each.phrase, 120)).join("; "),
          ".",
        )
      : null,
  ].filter(Boolean);
}

function finding(each, { first, second }) {
  const shares = [each.first / first.counted, each.second / second.counted];
  return el(
    "li",
    {},
    el("h3", {}, capital(oneLine(each.phrase, 400))),
    el(
      "div.shares",
      {},
      share("selected", "of the selected", shares[0], each.first, first.counted),
      share("others", "of the others", shares[1], each.second, second.counted),
    ),
    el("p.quiet", {}, interval(each)),
    el("p.links", {}, ...requestsLike(each), ...examples(each)),
    related(each),
  );
}

const share = (kind, label, value, having, of) =>
  el(
    `div.${kind}`,
    {},
    el("i.bar", { "aria-hidden": "true", "--share": String(value) }),
    el("b", {}, percent(value)),
    ` ${label} (${count(having)} of ${count(of)})`,
  );

function interval({ difference, interval: [low, high], adjusted_p: p, separation }) {
  const points = (value) => `${value < 0 ? "−" : "+"}${Math.abs(100 * value).toPrecision(3)}`;
  const chance = p < 1e-9 ? "< 10⁻⁹" : `= ${p.toPrecision(2)}`;
  return (
    `Difference ${points(difference)} points (95 % interval ${points(low)} to ${points(high)}); ` +
    `separates the sets by ${percent(separation)}; p ${chance}, corrected for all tests.`
  );
}

/** A link to the traces of the first set that have the fact, if their list can be filtered by it. */
function requestsLike({ facts, filters }) {
  if (!filters.length || !facts.every(({ test }) => EXACT.includes(test))) return [];
  const query = own();
  for (const filter of filters) query.append("attr", filter);
  return [el("a", { href: `/traces?${query}` }, "Requests like these"), " · "];
}

function examples(each) {
  return each.examples.flatMap((id, at) => [
    at ? ", " : "Examples: ",
    el("a", { href: traceAddress(id) }, `${id.slice(0, 8)}…`),
  ]);
}

function related(each) {
  if (!each.related.length) return null;
  return el(
    "details",
    {},
    el("summary", {}, `${each.related.length} weaker facts that it explains`),
    el("ul", {}, ...each.related.map(({ text }) => el("li", {}, oneLine(text, 500)))),
  );
}

const capital = (text) => `${text.slice(0, 1).toUpperCase()}${text.slice(1)}`;
