// The card of a version: what it was trained on, how good it is, and its limits.

import { el } from "./dom.js";
import { count } from "./format.js";
import { traceAddress } from "./ids.js";
import { table } from "./table.js";
import { name, oneLine } from "./text.js";

const MAX_ROWS = 100;
const number = (value) => (typeof value === "number" ? value.toFixed(3) : "–");
const signed = (value) =>
  typeof value === "number" ? `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(3)}` : "–";
const interval = (rate) => (rate ? `${number(rate.low)} to ${number(rate.high)}` : "–");
const entries = (of) => Object.entries(of ?? {}).slice(0, MAX_ROWS);

/** A button that opens the card of a version; null if it has none. */
export function cardButton({ id, card }) {
  if (!entries(card).length) return null;
  const button = el(
    "button.small",
    { type: "button", "aria-label": `Card of ${oneLine(id, 40)}` },
    "Card",
  );
  button.onclick = () => open(id, card);
  return button;
}

function open(id, card) {
  const close = el("button", { type: "button" }, "Close");
  const dialog = el(
    "dialog.card",
    { "aria-label": `Card of ${oneLine(id, 40)}` },
    el("h2", {}, "Card of ", name(id, 40)),
    ...content(card),
    el("p.buttons", {}, close),
  );
  close.onclick = () => dialog.close();
  dialog.onclick = (event) => event.target === dialog && dialog.close();
  dialog.onclose = () => dialog.remove();
  document.body.append(dialog);
  dialog.showModal();
}

function content({ data, metrics, gate, limits, champion, trace_id: trace }) {
  const reasons = (gate?.reasons ?? []).map((each) => oneLine(each, 300)).join("; ");
  const address = traceAddress(trace);
  return [
    gate ? el("p", {}, el("b", {}, `Gate: ${gate.passed ? "passed" : "refused"}. `), reasons) : null,
    data
      ? el(
          "p.quiet",
          {},
          `Trained on ${count(data.tune_queries ?? 0)} queries, evaluated on `,
          `${count(data.test_queries ?? 0)}: ${oneLine(data.name ?? "", 120)}. `,
          `Compared with ${oneLine(champion ?? "–", 40)}. `,
          address ? el("a", { href: address }, "Trace of the training") : null,
        )
      : null,
    ...section("Ranking", ranking(metrics)),
    ...section("Difference in nDCG@10", differences(metrics)),
    ...section("Relevance", relevance(metrics)),
    ...section("Slices", slices(metrics)),
    ...section(
      "Limits",
      limits?.length
        ? el("ul.limits", {}, ...limits.slice(0, MAX_ROWS).map((each) => el("li", {}, oneLine(each, 400))))
        : null,
    ),
  ].filter(Boolean);
}

const section = (title, element) => (element ? [el("h3", {}, title), element] : []);

const ranking = (metrics) =>
  table(
    "Ranking",
    ["Model", "#nDCG@10", "#95 % interval", "#MRR", "#Recall@10", "#CPU p95"],
    entries(metrics?.ranked).map(([model, each]) => [
      name(model, 40),
      number(each.ndcg?.mean),
      interval(each.ndcg),
      number(each.reciprocal_rank),
      number(each.recall),
      typeof each.cpu_p95 === "number" ? `${(1000 * each.cpu_p95).toFixed(2)} ms` : "–",
    ]),
  );

const differences = (metrics) =>
  table(
    "Difference in nDCG@10",
    ["To", "#Difference", "#95 % interval", "#p"],
    entries(metrics?.comparisons).map(([model, each]) => [
      name(model, 40),
      signed(each.difference?.mean),
      each.difference ? `${signed(each.difference.low)} to ${signed(each.difference.high)}` : "–",
      number(each.p),
    ]),
  );

const relevance = (metrics) =>
  table(
    "Relevance",
    ["Model", "#AUC", "#Brier score", "#Good answers withheld", "#Out of domain withheld"],
    entries(metrics?.calibration).map(([model, each]) => [
      name(model, 40),
      number(each.auc?.value),
      number(each.brier),
      number(each.withheld_good?.value),
      number(each.withheld_outside?.value),
    ]),
  );

const slices = (metrics) =>
  table(
    "Slices",
    ["Slice", "#Queries", "#nDCG@10", "#Difference", "#Withheld"],
    (metrics?.slices ?? [])
      .slice(0, MAX_ROWS)
      .map((each) => [
        `${oneLine(each.dimension, 30)}: ${oneLine(each.name, 40)}`,
        count(each.queries),
        number(each.ndcg),
        signed(each.difference?.mean),
        number(each.withheld),
      ]),
  );
