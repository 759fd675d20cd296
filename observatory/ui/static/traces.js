// The Traces view: live list of traces with charts.

import { fetchJson, latest } from "./api.js";
import { el, announce } from "./dom.js";
import { plural } from "./format.js";
import { filterBar, apiQuery } from "./filters.js";
import { Live, pauseButton } from "./live.js";
import { isOpen } from "./range.js";
import { go, params } from "./router.js";
import { latencyChart, rateChart } from "./service_charts.js";
import { TraceList } from "./trace_list.js";

const PAGE = 50;
const POLL_MS = 2000;
const CHARTS_EVERY = 3; // polls

export class TracesView {
  name = "traces";
  /** @type {string | null} */
  #asked = null;
  #polls = 0;
  /** Cursor of the next page. @type {string | null} */
  #next = null;
  #lists = latest();
  #charts = latest();

  constructor() {
    this.live = new Live(() => this.#poll(), POLL_MS);
    this.pause = pauseButton(this.live);
    this.bar = filterBar(["service", "route", "status", "duration", "attributes", "sort"], {
      tools: [this.pause.element],
    });
    this.latency = latencyChart();
    this.rate = rateChart();
    this.list = new TraceList();
    this.note = el("p.notice", { role: "status", hidden: true });
    this.older = el("button.older", { type: "button", hidden: true }, "Older");
    this.older.onclick = () => this.#more();
    this.element = el(
      "div.view.traces",
      {},
      el("h1.unseen", {}, "Traces"),
      this.bar.element,
      el("div.charts", {}, this.latency.element, this.rate.element),
      this.note,
      this.list.element,
      this.older,
    );
  }

  title = () => "Traces";

  show() {
    this.bar.show();
    const lives = isOpen() && !isSorted();
    this.pause.start(lives);
    if (location.search !== this.#asked) this.#load();
    else this.list.rows.focus();
  }

  hide() {
    this.live.stop();
  }

  key(event) {
    if (event.key === "/") this.bar.field.focus();
    else if (event.key === "p") this.pause.press();
    else return this.list.rows.key(event);
    return true;
  }

  async #load() {
    this.#asked = location.search;
    this.element.ariaBusy = "true";
    const signal = this.#lists.next();
    this.#drawCharts();
    try {
      const answer = await fetchJson("/api/traces", { query: apiQuery({ limit: PAGE }), signal });
      this.list.sortBy(isSorted() ? "duration" : "time");
      this.list.set(answer.traces);
      this.#continue(answer);
      this.#showNote(null);
      announce(plural(answer.traces.length, "trace"));
    } catch (error) {
      if (signal.aborted) return;
      this.list.set([]);
      this.older.hidden = true;
      this.#showNote(error);
    }
    this.element.ariaBusy = "false";
  }

  async #poll() {
    // A poll must not abort the first answer, nor older traces that were asked for.
    if (this.element.ariaBusy === "true" || this.older.disabled) return;
    const signal = this.#lists.next();
    try {
      const answer = await fetchJson("/api/traces", { query: apiQuery({ limit: PAGE }), signal });
      this.list.update(answer.traces, answer.more);
      if (this.list.size <= answer.traces.length) this.#continue(answer);
      this.#showNote(null);
    } catch (error) {
      if (!signal.aborted) this.#showNote(error);
    }
    this.#polls += 1;
    if (this.#polls % CHARTS_EVERY === 0) await this.#drawCharts();
  }

  async #more() {
    if (this.element.ariaBusy === "true") return; // the list is being replaced
    const signal = this.#lists.next();
    this.older.disabled = true;
    try {
      const query = apiQuery({ limit: PAGE, before: this.#next });
      const answer = await fetchJson("/api/traces", { query, signal });
      this.list.append(answer.traces);
      this.#continue(answer);
    } catch (error) {
      if (!signal.aborted) this.#showNote(error);
    }
    this.older.disabled = false;
  }

  #continue({ more, next }) {
    this.#next = next;
    this.older.hidden = !more;
  }

  async #drawCharts() {
    const signal = this.#charts.next();
    try {
      const answer = await fetchJson("/api/charts", { query: apiQuery(), signal });
      this.latency.set(answer);
      this.rate.set(answer);
    } catch {
      // The list shows the error; the charts keep the last data.
    }
  }

  #showNote(error) {
    this.note.hidden = !error && this.list.size > 0;
    this.note.classList.toggle("problem", Boolean(error));
    if (error) this.note.replaceChildren(error.message);
    else if (!this.note.hidden) this.note.replaceChildren(...nothing());
  }
}

/** Whether the list is sorted by duration: it is one answer then, and not live. */
const isSorted = () => params().get("sort") === "duration";

function nothing() {
  const showAll = el("button", { type: "button" }, "Show all stored traces");
  showAll.onclick = () => go("/traces?last=all");
  return [
    el("b", {}, "No traces found."),
    " Send a request to the service; new traces appear automatically. ",
    showAll,
  ];
}
