// Tables of the Health view. Each returns null if there is nothing to show.

import { el } from "./dom.js";
import { count, duration, percent, span } from "./format.js";
import { traceAddress } from "./ids.js";
import { table } from "./table.js";
import { name, oneLine } from "./text.js";

const NOTABLE = 0.05; // of calls, as in the verdict's notes
const BURN_LIMIT = 1;

const rate = (perSecond) =>
  perSecond >= 1
    ? `${Number(perSecond.toPrecision(3))}/s`
    : `${Number((perSecond * 60).toPrecision(3))}/min`;
const time = (nanoseconds) => (nanoseconds === null ? "–" : duration(nanoseconds));
const seconds = (number) => duration(number * 1e9);

/** "12 (3 %)"; marked if the share is notable. */
function part(some, all, kind = "bad") {
  if (!some) return "0";
  const text = `${count(some)} (${percent(some / all)})`;
  return some / all >= NOTABLE ? el(`b.${kind}`, {}, text) : text;
}

export function objectiveTable(objectives) {
  const windows = Object.keys(objectives[0]?.burn_rates ?? {});
  const rows = objectives.map((each) => [
    el("span", { title: each.promise }, oneLine(each.name, 60)),
    exact(each.target),
    each.measured === null
      ? "no requests"
      : el(each.met ? "span" : "b.bad", {}, exact(each.measured), each.met ? "" : " – missed"),
    `${count(Math.round(each.failed))} of ${count(Math.round(each.requests))}`,
    budget(each),
    ...windows.map((window) => burn(each.burn_rates[window])),
  ]);
  const found = table(
    "Objectives",
    [
      "Objective",
      "#Target",
      "#Measured",
      "#Failed",
      "Budget left",
      ...windows.map((each) => `#Burn ${each}`),
    ],
    rows,
  );
  return (
    found &&
    el(
      "div",
      {},
      found,
      el(
        "p.quiet",
        {},
        `Over the ${span(objectives[0].window_seconds)} that are stored. A burn rate of 1 spends the budget exactly within its window.`,
      ),
    )
  );
}

const exact = (share) => `${Number((share * 100).toFixed(3))} %`;

function budget({ budget_left: left }) {
  if (left === null) return "–";
  const text = `${left < 0 ? "−" : ""}${count(Math.abs(Math.round(left * 100)))} %`;
  const share = String(Math.max(0, Math.min(1, left)));
  return el(
    left > 0 ? "span" : "b.bad",
    {},
    el("span.meter", { "aria-hidden": "true", "--share": share }),
    left < 0 ? `overspent (${text})` : text,
  );
}

function burn(value) {
  if (value === null) return "–";
  const text = String(value >= 10 ? Math.round(value) : Number(value.toFixed(2)));
  return value > BURN_LIMIT ? el("b.bad", {}, text) : text;
}

export function serviceTable(services) {
  return table(
    "Services",
    [
      "Service",
      "#Requests",
      "#Rate",
      "#Failed (5xx)",
      "#Refused (4xx)",
      "#p50",
      "#p95",
      "#p99",
      "Version",
      "#Instances",
    ],
    services.map((each) => [
      el(
        "a",
        { href: `/traces?${new URLSearchParams({ service: each.service, last: "900" })}` },
        name(each.service, 60),
      ),
      count(each.requests),
      rate(each.per_second),
      part(each.failed, each.requests),
      part(each.refused, each.requests, "warned"),
      time(each.p50),
      time(each.p95),
      time(each.p99),
      oneLine(each.versions.join(", ") || "–", 60),
      count(each.instances),
    ]),
  );
}

export function dependencyTable(edges, outcomes) {
  const called = edges
    .filter(({ source }) => source)
    .map((each) => [
      el("a", { href: traceAddress(each.trace_id) ?? "/traces" }, name(each.target, 60)),
      name(each.source, 60),
      each.kind,
      count(each.calls),
      rate(each.per_second),
      part(each.failed, each.calls),
      time(each.p50),
      time(each.p95),
      "",
    ]);
  const counted = outcomes.map((each) => {
    const all = Object.values(each.counts).reduce((sum, some) => sum + some, 0);
    const parts = Object.entries(each.counts).map(
      ([outcome, some]) => `${oneLine(outcome.replaceAll("_", " "), 30)} ${count(some)}`,
    );
    const open = each.counts.open_circuit;
    return [
      oneLine(each.name, 60),
      name(each.service, 60),
      "with cache and circuit",
      count(all),
      "",
      "",
      "",
      "",
      el(open ? "b.bad" : "span", {}, open ? "circuit open: " : "", parts.join(", ")),
    ];
  });
  return table(
    "Dependencies",
    ["Dependency", "Called by", "Kind", "#Calls", "#Rate", "#Failed", "#p50", "#p95", "Outcomes"],
    [...called, ...counted],
  );
}

export function modelTable(models) {
  return table(
    "Models",
    ["Model", "Version", "Service", "#Requests", "#Answered", "#Degraded"],
    models.map((each) => [
      name(each.name, 60),
      name(each.version, 40),
      name(each.service, 60),
      count(each.requests),
      each.answered === null ? "–" : percent(each.answered),
      each.degraded >= NOTABLE
        ? el("b.warned", {}, percent(each.degraded))
        : percent(each.degraded),
    ]),
  );
}

export function arrivalTable({ signals, senders, lost, refused }) {
  const age = (value) => (value === null ? "none stored" : `${seconds(value)} old`);
  const rows = [
    ...signals.map(({ signal, age_seconds: old }) => [`newest of ${signal}`, age(old)]),
    ...senders.map((each) => [
      el("span", {}, "metrics of ", name(each.service, 60)),
      el(
        each.late ? "b.bad" : "span",
        {},
        `${seconds(each.age_seconds)} ago, every ${seconds(each.interval_seconds)}${each.late ? ": late" : ""}`,
      ),
    ]),
    ...Object.entries(lost).map(([service, some]) => [
      el("span", {}, "lost by ", name(service, 60)),
      el("b.bad", {}, `${count(some)} records or exports`),
    ]),
    ...Object.entries(refused).map(([signal, some]) => [
      `refused here: ${oneLine(signal, 20)}`,
      el("b.bad", {}, `${count(some)} records or messages`),
    ]),
  ];
  if (!Object.keys(lost).length && !Object.keys(refused).length)
    rows.push(["lost or refused", "none"]);
  return table("Telemetry", ["What", "Age"], rows);
}
