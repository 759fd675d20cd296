// The view of one trace; waits for a trace that is not stored yet.

import { fetchJson, latest } from "./api.js";
import { el } from "./dom.js";
import { oneLine } from "./text.js";
import { TraceBody } from "./trace_body.js";
import { TraceModel } from "./trace_model.js";

const WAIT_MS = 10_000;
const RETRY_MS = 500;

const INCOMPLETE_MS = 6_000; // until this age further spans or logs may arrive
const RELOAD_MS = 1_000;

const age = ({ time, duration }) => Date.now() - (Number(BigInt(time) / 1_000_000n) + duration / 1e6);
const size = ({ spans, logs }) => `${spans.length} ${logs.length}`;
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export class TraceView {
  name = "trace";
  #id = "";
  /** @type {TraceBody | null} */
  #body = null;
  #loads = latest();
  #visible = false;

  constructor() {
    this.note = el("p.notice", { role: "status", hidden: true });
    this.element = el("div.view.trace", {}, this.note);
  }

  title = () => (this.#body ? oneLine(this.#body.model.root?.name ?? "Trace", 80) : "Trace");

  show(match) {
    this.#visible = true;
    const id = match[1].toLowerCase();
    if (id !== this.#id) this.#load(id);
    else this.#body?.show();
  }

  hide() {
    this.#visible = false;
    this.#loads.stop();
    if (!this.#body) this.#id = "";
  }

  key(event) {
    return this.#body?.key(event) ?? false;
  }

  async #load(id) {
    this.#id = id;
    this.#body?.element.remove();
    this.#body = null;
    this.#showNote("");
    this.element.ariaBusy = "true";
    const signal = this.#loads.next();
    try {
      const answer = await this.#found(id, signal);
      this.#showNote("");
      this.#draw(answer);
      this.element.ariaBusy = "false"; // what is there can be read; more may come
      await this.#completed(id, answer, signal);
    } catch (error) {
      if (signal.aborted) return;
      this.#showNote(error.message, () => this.#load(id));
    }
    this.element.ariaBusy = "false";
  }

  #draw(answer) {
    const body = (this.#body = new TraceBody(new TraceModel(answer)));
    this.element.append(body.element);
    body.show();
    body.focus();
    if (this.#visible) document.title = `${this.title()} – Vitrine`;
  }

  async #found(id, signal) {
    const until = performance.now() + WAIT_MS;
    for (;;) {
      try {
        return await fetchJson(`/api/traces/${id}`, { signal });
      } catch (error) {
        if (error.status !== 404 || performance.now() > until) throw error;
        this.#showNote(
          "Not stored yet. Spans arrive about 2 s after the request; waiting …",
        );
        await pause(RETRY_MS);
        signal.throwIfAborted();
      }
    }
  }

  /** Reload a recent trace until it is complete. */
  async #completed(id, first, signal) {
    let known = first;
    while (age(known) < INCOMPLETE_MS) {
      await pause(RELOAD_MS);
      signal.throwIfAborted();
      const now = await fetchJson(`/api/traces/${id}`, { signal });
      if (size(now) === size(known)) continue;
      known = now;
      this.#body?.element.remove();
      this.#draw(now);
    }
  }

  /** @param {string} text @param {(() => void) | null} retry */
  #showNote(text, retry = null) {
    this.note.hidden = !text;
    this.note.classList.toggle("problem", Boolean(retry));
    const button = retry && el("button", { type: "button" }, "Retry");
    if (button) button.onclick = retry;
    this.note.replaceChildren(text, ...(button ? [" ", button] : []));
  }
}
