// The Diagnose view: what broke, compared with the time before.

import { fetchJson, latest } from "./api.js";
import { announce, el } from "./dom.js";
import { filterBar } from "./filters.js";
import { span } from "./format.js";
import { HeatMap } from "./heat_map.js";
import { forApi } from "./range.js";
import { change, params } from "./router.js";
import { now } from "./status.js";
import { suspects, verdict } from "./suspects.js";

const BASELINES = [300, 900, 3600, 21600, 86400];
const BASELINE = 3600;
const WINDOW = "300"; // not an hour as elsewhere: what a new store has would all be in the window
const LEAST = 60; // seconds of a baseline that is chosen by dragging

export class DiagnoseView {
  name = "diagnose";
  #loads = latest();

  constructor() {
    this.bar = filterBar(["service"]);
    this.baseline = baselineControl();
    this.heat = new HeatMap(
      (region) => chosen(region, this.heat.from),
      "Drag over the time in which something is wrong; it is compared with the time to its left.",
    );
    this.found = el("section.found", { "aria-label": "Diagnosis" });
    this.element = el(
      "div.view.diagnose",
      {},
      el("div.controls", {}, this.bar.element, this.baseline.element),
      this.found,
      this.heat.element,
    );
  }

  title = () => "Diagnose";

  show() {
    if (!["last", "from", "to"].some((name) => params().has(name))) {
      change({ last: WINDOW }, { replace: true });
      return;
    }
    this.bar.show();
    this.baseline.show();
    this.#load();
  }

  hide() {
    this.#loads.stop();
  }

  key(event) {
    if (event.key !== "/") return false;
    this.baseline.element.querySelector("select")?.focus();
    return true;
  }

  async #load() {
    const signal = this.#loads.next();
    this.element.ariaBusy = "true";
    this.found.replaceChildren(el("h1.verdict", {}, "Diagnosing …"));
    const query = await fixed();
    if (signal.aborted) return;
    await Promise.all([this.#diagnose(query, signal), this.#map(query, signal)]);
    if (!signal.aborted) this.element.ariaBusy = "false";
  }

  async #diagnose(query, signal) {
    try {
      const answer = await fetchJson("/api/diagnose", { query, signal });
      this.found.replaceChildren(verdict(answer), ...suspects(answer, query));
      announce(answer.verdict);
    } catch (error) {
      if (signal.aborted) return;
      this.found.replaceChildren(
        el("h1.verdict", {}, "No diagnosis"),
        el("p.notice.problem", { role: "alert" }, error.message),
      );
    }
  }

  /** The baseline and the window, which is marked. */
  async #map(query, signal) {
    const [from, to] = ["from", "to"].map((end) => Number(query.get(end)));
    const whole = new URLSearchParams(query);
    whole.delete("baseline");
    whole.set("from", String(from - Number(query.get("baseline")) * 1000));
    try {
      const answer = await fetchJson("/api/heatmap", { query: whole, signal });
      this.heat.set(answer, { from, to, min_ms: null, max_ms: null });
    } catch (error) {
      if (!signal.aborted) announce(error.message);
    }
  }
}

/** The parameters of /api/diagnose; the window as times, so that all parts show the same. */
async function fixed() {
  const query = forApi(params());
  const to = Number(query.get("to") ?? (await now()));
  const from = Number(query.get("from") ?? to - Number(query.get("last")) * 1000);
  const found = new URLSearchParams({
    from: String(from),
    to: String(to),
    baseline: params().get("baseline") || String(BASELINE),
  });
  const service = params().get("service");
  if (service) found.set("service", service);
  return found;
}

/** Diagnose a region of the map; `start`: of the map, in milliseconds. */
function chosen({ from, to }, start) {
  const baseline = Math.max(LEAST, Math.round((from - start) / 1000));
  change({ from: String(from), to: String(to), last: null, baseline: String(baseline) });
}

/** How much of the time before is compared. */
function baselineControl() {
  const choice = el("select", { name: "baseline", "aria-label": "Compared with" });
  choice.onchange = () => change({ baseline: choice.value });
  const show = () => {
    const wanted = Number(params().get("baseline")) || BASELINE;
    const choices = BASELINES.includes(wanted) ? BASELINES : [wanted, ...BASELINES];
    choice.replaceChildren(...choices.map((each) => new Option(`the ${span(each)} before`, String(each))));
    choice.value = String(wanted);
  };
  return { element: el("label.base", {}, "compared with ", choice), show };
}
