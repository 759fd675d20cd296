// Alerts that fire or are pending: what is wrong, a chart, a trace, and the runbook's section.

import { fetchJson } from "./api.js";
import { el, svg } from "./dom.js";
import { duration, percent, span } from "./format.js";
import { traceAddress } from "./ids.js";
import { oneLine } from "./text.js";

const [WIDTH, HEIGHT] = [240, 56];
const MARGIN = 300; // seconds: a condition holds some time after its cause
const RUNBOOK = new Map(); // section → promise of {title, content}

/** Draw the cards into `box`, one for each section of the runbook; cards that stay keep their state. */
export function alertCards(box, alerts) {
  const groups = new Map();
  for (const alert of alerts)
    if (alert.state === "firing" || alert.state === "pending")
      groups.set(alert.section, [...(groups.get(alert.section) ?? []), alert]);
  const shown = new Map([...box.children].map((card) => [card.dataset.section, card]));
  const cards = [...groups].map(([section, own], place) => {
    const card = shown.get(section) ?? newCard(section, place === 0 && own[0].state === "firing");
    fill(card, own);
    return card;
  });
  if (cards.length !== box.children.length || cards.some((card, at) => box.children[at] !== card))
    box.replaceChildren(...cards);
}

function newCard(section, open) {
  const runbook = el("div.runbook");
  const details = el(
    "details",
    { open },
    el("summary", {}, "Runbook: what it means, what to do"),
    runbook,
  );
  details.ontoggle = () => details.open && showRunbook(runbook, section);
  return el("article.alert", { "data-section": section }, el("div.facts-of"), details);
}

function fill(card, alerts) {
  const [first] = alerts;
  card.className = `alert ${first.state}`;
  const facts = card.querySelector(".facts-of");
  const focused = facts.contains(document.activeElement);
  const trace = alerts.map((each) => traceAddress(each.trace_id ?? "")).find(Boolean);
  const charted = alerts.find(({ chart }) => chart && chart.values.filter(isNumber).length > 1);
  facts.replaceChildren(
    el(
      "div",
      {},
      ...alerts.map(heading),
      el("p.quiet", {}, oneLine(first.description, 400)),
      el(
        "p.links",
        {},
        el("a", { href: diagnosis(alerts) }, "Diagnose"),
        trace ? [" · ", el("a", { href: trace }, "A trace that shows it")] : null,
      ),
    ),
    charted ? spark(charted.chart) : el("span"),
  );
  if (focused) facts.querySelector("a")?.focus({ preventScroll: true });
}

function heading(alert) {
  const badge = alert.severity === "critical" ? "error" : "degraded";
  const since =
    alert.state === "firing"
      ? `fires, for ${span(Math.max(60, alert.held_seconds))} or longer`
      : `pending: its condition must hold for ${span(alert.hold_seconds)}`;
  return el(
    "div.heading",
    {},
    el("h2", {}, oneLine(alert.title, 80), " ", el(`span.badge.${badge}`, {}, alert.severity)),
    el("p", {}, el("b", {}, oneLine(alert.summary, 300)), ` – ${since}`),
  );
}

/** The page that diagnoses the time in which the condition held, with the hour before it. */
function diagnosis(alerts) {
  const held = Math.max(...alerts.map((each) => each.held_seconds));
  return `/diagnose?last=${Math.round(Math.max(MARGIN, held + MARGIN))}&baseline=3600`;
}

const isNumber = (value) => value !== null;

/** A value in the unit of an alert. */
function withUnit(value, unit) {
  if (unit === "percentunit") return percent(value);
  if (unit === "s") return duration(value * 1e9);
  return `${Number(value.toPrecision(3))}${unit === "reqps" ? "/s" : ""}`;
}

/** The alert's value over the last hour, and the limit as a dashed line. */
function spark({ times, values, limit, unit }) {
  const known = values.filter(isNumber);
  const most = Math.max(...known, limit) * 1.08 || 1;
  const [from, to] = [times[0], times.at(-1)];
  const x = (time) => (WIDTH * (time - from)) / (to - from || 1);
  const y = (value) => HEIGHT - 2 - ((HEIGHT - 4) * Math.max(0, value)) / most;
  let path = "";
  values.forEach((value, at) => {
    if (value === null) return;
    path += `${at && values[at - 1] !== null ? "L" : "M"}${x(times[at]).toFixed(1)} ${y(value).toFixed(1)}`;
  });
  const text = `${withUnit(known.at(-1), unit)} now, limit ${withUnit(limit, unit)}, last hour`;
  return el(
    "figure.spark",
    {},
    svg(
      "svg",
      {
        viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
        role: "img",
        "aria-label": text,
        preserveAspectRatio: "none",
      },
      svg("path.limit", { d: `M0 ${y(limit).toFixed(1)}H${WIDTH}` }),
      svg("path.line", { d: path }),
    ),
    el("figcaption", {}, text),
  );
}

async function showRunbook(box, section) {
  if (box.dataset.section === section) return;
  box.dataset.section = section;
  try {
    const query = new URLSearchParams({ section });
    if (!RUNBOOK.has(section)) RUNBOOK.set(section, fetchJson("/api/runbook", { query }));
    const { title, content } = await RUNBOOK.get(section);
    const nodes = content.map((node) => element(node, box));
    box.replaceChildren(el("h3", {}, oneLine(title, 100)), ...nodes);
  } catch (error) {
    RUNBOOK.delete(section);
    box.dataset.section = "";
    box.replaceChildren(el("p", {}, error.message));
  }
}

/** A node of /api/runbook: text, or [tag, child, …]. A link to another section opens it here. */
function element(node, box) {
  if (typeof node === "string") return node;
  const [tag, ...rest] = node;
  if (tag !== "a") return el(tag, {}, ...rest.map((child) => element(child, box)));
  const [address, ...children] = rest;
  const shown = children.map((child) => element(child, box));
  if (!address.startsWith("#")) return el("span", { title: address }, ...shown);
  const button = el("button.link", { type: "button" }, ...shown);
  button.onclick = () => showRunbook(box, address.slice(1));
  return button;
}

/** The rules that neither fire nor are pending; null if there are none. */
export function otherRules(alerts) {
  const quiet = alerts.filter(({ state }) => state === "ok" || state === "unknown");
  if (!quiet.length) return null;
  const items = quiet.map(({ title, state, summary, description }) =>
    el(
      "li",
      { title: description },
      oneLine(title, 80),
      state === "unknown" ? el("span.warned", {}, ` – ${oneLine(summary, 200)}`) : null,
    ),
  );
  const unknown = quiet.filter(({ state }) => state === "unknown").length;
  const text = `${quiet.length - unknown} evaluated, conditions not met${unknown ? `; ${unknown} not evaluated` : ""}`;
  return el("details", {}, el("summary", {}, text), el("ul.rules", {}, ...items));
}
