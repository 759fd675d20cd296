// The Logs view.

import { fetchJson, latest } from "./api.js";
import { el, announce } from "./dom.js";
import { plural } from "./format.js";
import { filterBar, apiQuery } from "./filters.js";
import { isTraceId } from "./ids.js";
import { Live, pauseButton } from "./live.js";
import { logRow } from "./log_row.js";
import { isOpen } from "./range.js";
import { change, params } from "./router.js";
import { Rows } from "./rows.js";

const PAGE = 100;
const POLL_MS = 2000;
const TYPING_MS = 250;

export class LogsView {
  name = "logs";
  /** @type {string | null} */
  #asked = null;
  #known = new Set();
  /** Cursor of the next page. @type {string | null} */
  #next = null;
  #loads = latest();
  #typing = 0;

  constructor() {
    this.live = new Live(() => this.#poll(), POLL_MS);
    this.pause = pauseButton(this.live);
    this.search = el("input.search", {
      type: "search",
      name: "q",
      placeholder: "Words in the text",
      "aria-label": "Search in logs",
      spellcheck: "false",
      "aria-keyshortcuts": "/",
    });
    this.search.oninput = () => this.#typed();
    this.trace = el("span.chip", { hidden: true });
    this.bar = filterBar(["severity", "service", "attributes"], {
      search: [this.search, this.trace],
      tools: [this.pause.element],
    });
    this.list = el("div.logs");
    this.rows = new Rows(this.list, "button.line");
    this.note = el("p.notice", { role: "status", hidden: true });
    this.pill = el("button.pill", { type: "button", hidden: true });
    this.pill.onclick = () => (this.#load(), scrollTo({ top: 0 }));
    this.older = el("button.older", { type: "button", hidden: true }, "Older");
    this.older.onclick = () => this.#more();
    this.element = el(
      "div.view",
      {},
      el("h1.unseen", {}, "Logs"),
      this.bar.element,
      this.note,
      el("section.list", {}, this.pill, this.list),
      this.older,
    );
  }

  title = () => "Logs";

  show() {
    this.bar.show();
    this.pause.start(isOpen());
    if (document.activeElement !== this.search) this.search.value = params().get("q") ?? "";
    this.#showTrace();
    if (location.search !== this.#asked) this.#load();
    else this.rows.focus();
  }

  hide() {
    clearTimeout(this.#typing);
    this.live.stop();
  }

  key(event) {
    if (event.key === "/") this.search.focus();
    else if (event.key === "p") this.pause.press();
    else return this.rows.key(event);
    return true;
  }

  #typed() {
    clearTimeout(this.#typing);
    this.#typing = setTimeout(
      () => change({ q: this.search.value.trim() }, { replace: true }),
      TYPING_MS,
    );
  }

  #showTrace() {
    const id = params().get("trace_id") ?? "";
    this.trace.hidden = !id;
    const close = el("button", { type: "button", "aria-label": "Logs of all traces" }, "×");
    close.onclick = () => change({ trace_id: null });
    this.trace.replaceChildren("trace ", isTraceId(id) ? id.slice(0, 8) : "?", close);
  }

  #apiQuery(more) {
    const query = apiQuery({ limit: PAGE, ...more });
    const trace = params().get("trace_id");
    if (trace) query.set("trace_id", trace);
    for (const name of ["route", "status", "min_ms", "max_ms"]) query.delete(name);
    return query;
  }

  async #load() {
    this.#asked = location.search;
    this.element.ariaBusy = "true";
    const answer = await this.#fetchJson();
    this.element.ariaBusy = "false";
    if (!answer) return;
    this.list.replaceChildren();
    this.#known.clear();
    this.rows.forget();
    this.pill.hidden = true;
    this.#append(answer);
    announce(plural(answer.logs.length, "log record"));
  }

  async #more() {
    if (this.element.ariaBusy === "true") return; // the list is being replaced
    this.older.disabled = true;
    const answer = await this.#fetchJson({ before: this.#next });
    if (answer) this.#append(answer);
    this.older.disabled = false;
  }

  #append({ logs, more, next }) {
    this.list.append(...this.#fresh(logs).map((log) => logRow(log)));
    this.#next = next;
    this.older.hidden = !more;
    this.rows.refresh();
    this.#showNote(null);
  }

  async #poll() {
    // A poll must not abort the first answer, nor older records that were asked for.
    if (this.element.ariaBusy === "true" || this.older.disabled) return;
    const answer = await this.#fetchJson();
    if (!answer) return;
    const fresh = answer.logs.filter((log) => !this.#known.has(keyOf(log)));
    if (!fresh.length) return;
    const gap = fresh.length === answer.logs.length && answer.more;
    const reading =
      this.list.hasChildNodes() &&
      (this.list.matches(":hover") || this.list.contains(document.activeElement) || scrollY > 0);
    this.pill.hidden = !reading;
    this.pill.textContent = `${plural(fresh.length, "new record")} ↑`;
    if (reading) return;
    if (gap) this.list.replaceChildren();
    this.list.prepend(...this.#fresh(answer.logs).map((log) => logRow(log)));
    this.rows.refresh();
    this.#showNote(null);
  }

  #fresh(logs) {
    const fresh = logs.filter((log) => !this.#known.has(keyOf(log)));
    for (const log of fresh) this.#known.add(keyOf(log));
    return fresh;
  }

  async #fetchJson(more = {}) {
    const signal = this.#loads.next();
    try {
      return await fetchJson("/api/logs", { query: this.#apiQuery(more), signal });
    } catch (error) {
      if (!signal.aborted) this.#showNote(error);
      return null;
    }
  }

  #showNote(error) {
    this.note.hidden = !error && this.list.hasChildNodes();
    this.note.classList.toggle("problem", Boolean(error));
    this.note.textContent = error
      ? error.message
      : "No log records found. Widen the time range or remove a filter.";
  }
}

/** Records have no ids: the fields that identify one. */
const keyOf = ({ time, span_id: span, body, event, service }) =>
  JSON.stringify([time, span, body, event, service]);
