// The Model view: which versions serve and how well, drift, the challenger in the shadow, and what
// happened to the models. What the store does not have comes from the service's registry.

import { fetchJson, latest } from "./api.js";
import { announce, el } from "./dom.js";
import { changeButtons } from "./model_actions.js";
import { cardButton } from "./model_card.js";
import { Charts } from "./model_charts.js";
import {
  changeTable,
  comparisonTable,
  evaluationTable,
  instanceTable,
  pairTable,
  versionTable,
} from "./model_tables.js";
import { Live, pauseButton } from "./live.js";
import { forApi, isOpen, rangeControl } from "./range.js";
import { params } from "./router.js";
import { oneLine } from "./text.js";

const POLL_MS = 10_000;

export class ModelView {
  name = "model";
  #loads = latest();
  #sentence = "";

  constructor() {
    this.live = new Live(() => this.#load(), POLL_MS);
    this.pause = pauseButton(this.live);
    this.range = rangeControl();
    this.note = el("p.notice.problem", { role: "alert", hidden: true });
    this.state = el("span.badge");
    this.sentence = el("span", {}, "…");
    this.charts = new Charts();
    this.registryNote = el("p.quiet", { hidden: true });
    this.actions = changeButtons(() => this.#load());
    /** The tables, by the part of the view that they stand in. @type {Record<string, HTMLElement>} */
    this.boxes = Object.fromEntries(
      ["versions", "instances", "changes", "evaluations", "pairs", "worst"].map((each) => [
        each,
        el("div"),
      ]),
    );
    const { versions, instances, changes, evaluations, pairs, worst } = this.boxes;
    const { answers, drift, shadow, student } = this.charts.elements;
    this.parts = {
      versions: part("Versions", versions, this.registryNote, this.actions.element, answers),
      changes: part("Changes", changes),
      drift: part("Drift from the reference profile", drift, evaluations),
      shadow: part("Challenger in the shadow", pairs, shadow, worst),
      student: part("Student encoder and its teacher", student),
      instances: part("Instances", instances),
    };
    this.element = el(
      "div.view.model",
      {},
      this.note,
      el(
        "div.top",
        {},
        el("h1.verdict", {}, this.state, " ", this.sentence),
        el("span.tools", {}, ...this.range.elements, this.pause.element),
      ),
      ...Object.values(this.parts),
    );
  }

  title = () => "Model";

  show() {
    this.range.show();
    this.pause.start(isOpen());
    this.#load();
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
    this.element.ariaBusy ??= "true"; // until the first answer only
    const registry = fetchJson("/api/models", { signal }).catch((error) => ({
      registry: null,
      note: error.message,
    }));
    try {
      const query = forApi(params());
      const service = params().get("service");
      if (service) query.set("service", service);
      const answer = await fetchJson("/api/model", { query, signal });
      this.note.hidden = true;
      this.#draw(answer, await registry);
    } catch (error) {
      if (signal.aborted) return;
      this.note.textContent = error.message;
      this.note.hidden = false;
    }
    this.element.ariaBusy = "false";
  }

  #draw(answer, { registry, note }) {
    this.registryNote.hidden = registry !== null;
    this.registryNote.textContent = `${oneLine(note, 300)} Cards, promotion and rollback need it.`;
    this.#say(answer, registry);
    this.actions.set(registry);
    const changes = [...answer.changes].reverse().map((each, at) => ({ ...each, number: at + 1 }));
    this.charts.set(answer, changes);
    keepFocus(this.element, () => {
      const tables = {
        versions: versionTable(answer, registry, (version) => [
          cardButton(version),
          this.actions.promote(version),
        ]),
        instances: instanceTable(answer.instances),
        changes: changeTable(changes.reverse()),
        evaluations: evaluationTable(answer.drift.evaluations),
        pairs: pairTable(answer.shadow.pairs),
        worst: comparisonTable(answer.shadow.worst),
      };
      for (const [name, table] of Object.entries(tables))
        this.boxes[name].replaceChildren(...[table].filter(Boolean));
    });
    this.parts.changes.hidden = !changes.length;
    this.parts.instances.hidden = !answer.instances.length;
    this.parts.drift.hidden = !answer.drift.features.length && !answer.drift.evaluations.length;
    this.parts.student.hidden = !answer.student.cosine.length;
    this.parts.shadow.hidden = !answer.shadow.pairs.length;
  }

  #say(answer, registry) {
    const [state, badge, sentence] = verdict(answer, registry);
    this.element.dataset.state = state;
    this.state.textContent = badge;
    this.sentence.textContent = oneLine(sentence, 400);
    if (sentence !== this.#sentence) announce(`${badge}: ${oneLine(sentence, 400)}`);
    this.#sentence = sentence;
  }
}

const part = (title, ...content) =>
  el("section.part", { "data-part": title }, el("h2", {}, title), ...content);

/** [state, badge, sentence]: the worst that holds. */
function verdict({ instances, answers, drift, changes }, registry) {
  const newest = new Map(drift.evaluations.map((each) => [each.version, each]).reverse());
  const drifting = [...newest.values()].filter((each) => each.drifting);
  const refused = Object.keys(registry?.refused ?? {});
  const serving = new Set(instances.map((each) => each.label).filter(Boolean));
  if (refused.length) return ["firing", "Refused", `${refused.join(", ")} can’t be used`];
  if (drifting.length)
    return [
      "notes",
      "Drifting",
      drifting
        .map((each) => `${each.version}: ${each.drifted.join(", ").replaceAll("_", " ")}`)
        .join("; "),
    ];
  if (serving.size) return ["ok", "Serving", [...serving].join(" and ")];
  if (answers.versions.length || changes.length) return ["empty", "No instance", "in this range"];
  return ["empty", "Empty", "No telemetry of a model is stored in this range"];
}

/** Run `draw`, which replaces tables, and focus the same link or button again. */
function keepFocus(box, draw) {
  const all = () => [...box.querySelectorAll("table :is(a, button)")];
  const at = all().findIndex((each) => each === document.activeElement);
  draw();
  if (at >= 0) all()[at]?.focus({ preventScroll: true });
}
