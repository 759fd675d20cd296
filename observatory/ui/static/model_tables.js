// Tables of the Model view. Each returns null if there is nothing to show.

import { el } from "./dom.js";
import { ago, count, moment, percent } from "./format.js";
import { filterAddress, traceAddress } from "./ids.js";
import { table } from "./table.js";
import { name, oneLine } from "./text.js";

const NOTABLE = 0.05;
const BUILT_IN = "fusion";
const ROLES = { champion: "serves", challenger: "challenger", previous: "served before" };
const KINDS = {
  promoted: "promoted",
  rolled_back: "rolled back",
  registered: "registered",
  refused: "refused",
  drift_started: "drift started",
  drift_ended: "drift ended",
};
const number = (value) => (typeof value === "number" ? String(Number(value.toFixed(3))) : "–");
const shareOf = (value) => (value === null ? "–" : percent(value));

/** The id of a version in the registry: the built-in model has none of its own. */
const idOf = ({ model, version }) => (/^\d+-[0-9a-f]{8}$/.test(version) ? version : model);

/** A link to a trace; only a text if there is none. */
const traced = (traceId, text) => {
  const address = traceAddress(traceId);
  return address ? el("a", { href: address }, text) : text;
};

/** Versions of the registry and of the telemetry; `buttons(version)`: for a version of the registry. */
export function versionTable({ answers, online, instances }, registry, buttons) {
  const liked = new Map(online.versions.map((each) => [idOf(each), each]));
  const seen = new Map(answers.versions.map((each) => [idOf(each), each]));
  const listed = new Map((registry?.versions ?? []).map((each) => [each.id, each]));
  const running = new Map();
  for (const each of instances) running.set(idOf(each), (running.get(idOf(each)) ?? 0) + 1);
  const ids = [...new Set([...listed.keys(), ...seen.keys(), ...running.keys(), ...liked.keys()])].filter(Boolean);
  return table(
    "Versions",
    [
      "Version",
      "Role",
      "#Instances",
      "#Answers",
      "#Share",
      "#Answered",
      "#Relevance",
      "#Degraded",
      "#Online quality",
      "#nDCG@10",
      ...(registry ? ["Actions"] : []),
    ],
    ids.map((id) => {
      const [of, version] = [seen.get(id), listed.get(id)];
      return [
        of
          ? el("a", { href: filterAddress("vitrine.model.version", of.version) }, name(id, 40))
          : name(id, 40),
        role(id, version, registry),
        count(running.get(id) ?? 0),
        count(of?.answers ?? 0),
        of ? percent(of.share) : "–",
        of ? shareOf(of.answered) : "–",
        number(of?.relevance),
        of && of.degraded >= NOTABLE
          ? el("b.warned", {}, percent(of.degraded))
          : of
            ? percent(of.degraded)
            : "–",
        quality(liked.get(id)),
        number(version?.card?.metrics?.ranked?.candidate?.ndcg?.mean),
        ...(registry ? [el("span.buttons", {}, version ? buttons(version) : "")] : []),
      ];
    }),
  );
}

/** "0.153 (0.148 to 0.158)" */
function quality(of) {
  if (!of) return "–";
  const interval =
    of.low === null || of.high === null
      ? "no interval"
      : `${of.low.toFixed(3)} to ${of.high.toFixed(3)}`;
  return el("span", { title: "95 % interval" }, `${of.estimate.toFixed(3)} (${interval})`);
}

function role(id, version, registry) {
  if (registry?.refused?.[id])
    return el("b.bad", { title: oneLine(registry.refused[id], 300) }, "refused");
  if (version?.damaged) return el("b.bad", { title: oneLine(version.damaged, 300) }, "damaged");
  if (version?.role === "champion") return el("b", {}, ROLES.champion);
  if (version?.role === "challenger" && registry.split)
    return `challenger, answers ${percent(registry.split)} of the users`;
  const gate = version?.card?.gate?.passed === false ? "refused by the gate" : "";
  return [ROLES[version?.role], gate].filter(Boolean).join(", ") || (id === BUILT_IN ? "built in" : "–");
}

export function instanceTable(instances) {
  return table(
    "Instances",
    ["Instance", "Service", "Version", "Embedding model", "Last seen"],
    instances.map((each) => [
      el("bdi", { title: oneLine(each.instance, 80) }, oneLine(each.instance, 8)),
      name(each.service, 60),
      name(idOf(each), 40),
      name(each.embedder, 60),
      el("span", { title: moment(each.seen) }, ago(each.seen)),
    ]),
  );
}

export function changeTable(changes) {
  return table(
    "Changes",
    ["#No.", "Time", "What", "Version", "Details"],
    changes.map((each) => [
      String(each.number),
      traced(each.trace_id, moment(each.at)),
      el(`b${each.kind === "refused" ? ".bad" : ".plain-weight"}`, {}, KINDS[each.kind]),
      each.version ? name(each.version, 40) : "–",
      el("span.wrapping", {}, oneLine(each.detail, 200)),
    ]),
  );
}

export function evaluationTable(evaluations) {
  return table(
    "Evaluations of drift",
    [
      "Evaluated",
      "Version",
      "Result",
      "Features beyond their threshold",
      "#Answers",
      "#Distinct queries",
      "#Centroid distance",
    ],
    evaluations.slice(0, 6).map((each) => [
      traced(each.trace_id, moment(each.at)),
      name(each.version, 40),
      each.drifting ? el("b.warned", {}, "drifting") : each.drifted.length ? "not confirmed" : "well",
      each.drifted.map((feature) => oneLine(feature, 30).replaceAll("_", " ")).join(", ") || "none",
      count(each.requests),
      count(each.distinct_queries),
      number(each.centroid_distance),
    ]),
  );
}

export function pairTable(pairs) {
  return table(
    "Challengers",
    ["Challenger", "Champion", "#Comparisons", "#Failed", "#Overlap@10", "#Concordance", "#Score shift"],
    pairs.map((each) => [
      name(each.challenger, 40),
      name(each.champion, 40),
      count(each.comparisons),
      each.failed ? el("b.bad", {}, count(each.failed)) : "0",
      number(each.overlap),
      number(each.concordance),
      number(each.score_shift),
    ]),
  );
}

export function comparisonTable(worst) {
  const found = table(
    "Comparisons that agree least",
    ["Compared", "Request", "Challenger", "#Overlap@10", "#Concordance", "#Score shift", "Error"],
    worst.map((each) => [
      traced(each.trace_id, moment(each.at)),
      traced(each.request, "its request"),
      name(each.challenger, 40),
      number(each.overlap),
      number(each.concordance),
      number(each.score_shift),
      each.error ? el("b.bad", {}, oneLine(each.error, 60)) : "",
    ]),
  );
  return found && el("details", {}, el("summary", {}, "Comparisons that agree least"), found);
}
