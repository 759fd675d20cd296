// The Health view: is it well, and if not, why? One verdict, then what it comes from.

import { fetchJson, latest } from "./api.js";
import { announce, el } from "./dom.js";
import { moment, span } from "./format.js";
import { alertCards, otherRules } from "./health_alerts.js";
import {
  arrivalTable,
  dependencyTable,
  modelTable,
  objectiveTable,
  serviceTable,
} from "./health_tables.js";
import { Live, pauseButton } from "./live.js";
import { latencyChart, rateChart } from "./service_charts.js";
import { serviceMap } from "./service_map.js";
import { oneLine } from "./text.js";

const POLL_MS = 5000;
const STATES = {
  firing: "Firing",
  silent: "No telemetry",
  pending: "Pending",
  missed: "Objective missed",
  notes: "Worth a look",
  ok: "Well",
  empty: "Empty",
};

export class HealthView {
  name = "health";
  #loads = latest();
  #sentence = "";

  constructor() {
    this.live = new Live(() => this.#load(), POLL_MS);
    this.pause = pauseButton(this.live);
    this.note = el("p.notice.problem", { role: "alert", hidden: true });
    this.state = el("span.badge");
    this.sentence = el("span", {}, "…");
    this.verdict = el("h1.verdict", {}, this.state, " ", this.sentence);
    this.notes = el("ul.notes");
    this.when = el("p.quiet.when");
    this.alerts = el("div.alerts");
    this.latency = latencyChart({ height: 150 });
    this.rate = rateChart({ height: 150 });
    this.sections = el("div");
    this.element = el(
      "div.view.health",
      {},
      this.note,
      el("div.top", {}, this.verdict, el("span.tools", {}, this.pause.element)),
      this.notes,
      this.when,
      this.alerts,
      el("div.charts", {}, this.latency.element, this.rate.element),
      this.sections,
    );
  }

  title = () => "Health";

  show() {
    this.#load();
    this.live.start();
  }

  hide() {
    this.live.stop();
    this.#loads.stop();
  }

  key(event) {
    if (event.key !== "p") return false;
    this.pause.press();
    return true;
  }

  async #load() {
    const signal = this.#loads.next();
    this.element.ariaBusy ??= "true"; // until the first answer only: a refresh replaces nothing
    try {
      this.#draw(await fetchJson("/api/health", { signal }));
      this.note.hidden = true;
      const query = new URLSearchParams({ last: "3600" });
      const answer = await fetchJson("/api/charts", { query, signal });
      this.latency.set(answer);
      this.rate.set(answer);
    } catch (error) {
      if (signal.aborted) return;
      this.note.textContent = error.message;
      this.note.hidden = false;
    }
    this.element.ariaBusy = "false";
  }

  #draw(health) {
    const { state, sentence, notes } = health.verdict;
    this.element.dataset.state = state;
    this.state.textContent = STATES[state] ?? oneLine(state, 20);
    this.sentence.textContent = oneLine(sentence, 400);
    if (sentence !== this.#sentence) announce(oneLine(sentence, 400));
    this.#sentence = sentence;
    this.notes.replaceChildren(...notes.map(note));
    this.when.textContent = `Last ${span(health.seconds)}, at ${moment(health.at * 1000)}`;
    alertCards(this.alerts, health.alerts);
    keepFocus(this.sections, () =>
      this.sections.replaceChildren(
        ...[
          section("Objectives", objectiveTable(health.objectives)),
          section("Services", serviceTable(health.services)),
          section("Service map", serviceMap(health.edges, this.element.clientWidth || 900)),
          section("Dependencies", dependencyTable(health.edges, health.outcomes)),
          section("Models", modelTable(health.models)),
          section("Telemetry", arrivalTable(health.arrival)),
          section("Other alert rules", otherRules(health.alerts)),
        ].filter(Boolean),
      ),
    );
  }
}

function note({ text, address }) {
  const shown = oneLine(text, 300);
  return el("li", {}, address ? el("a", { href: address }, shown) : shown);
}

const section = (title, content) =>
  content && el("section.part", { "data-part": title }, el("h2", {}, title), content);

/** Run `draw`, which replaces the elements in `box`, and focus the same link again. */
function keepFocus(box, draw) {
  const links = () => [...box.querySelectorAll("a, summary")];
  const at = links().findIndex((link) => link === document.activeElement);
  const open = [...box.querySelectorAll("details")].map((each) => each.open);
  draw();
  [...box.querySelectorAll("details")].forEach((each, place) => (each.open = open[place] ?? false));
  if (at >= 0) links()[at]?.focus({ preventScroll: true });
}
