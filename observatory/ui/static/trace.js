// The view of one trace. One that is not stored yet is waited for.

import { ask, latest } from "./api.js";
import { el } from "./dom.js";
import { oneLine } from "./text.js";
import { TraceBody } from "./trace_body.js";
import { TraceModel } from "./trace_model.js";

const PATIENCE_MS = 10_000;
const PAUSE_MS = 500;

const YOUNG_MS = 6_000; // until then a batch of its spans or logs may be under way
const LATER_MS = 1_000;

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
    this.#tell("");
    this.element.ariaBusy = "true";
    const signal = this.#loads.next();
    try {
      const answer = await this.#found(id, signal);
      this.#tell("");
      this.#draw(answer);
      await this.#completed(id, answer, signal);
    } catch (error) {
      if (signal.aborted) return;
      this.#tell(error.message, () => this.#load(id));
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
    const until = performance.now() + PATIENCE_MS;
    for (;;) {
      try {
        return await ask(`/api/traces/${id}`, { signal });
      } catch (error) {
        if (error.status !== 404 || performance.now() > until) throw error;
        this.#tell(
          "Not here yet. A trace’s spans come about 2 s after the request; waiting for them …",
        );
        await pause(PAUSE_MS);
        signal.throwIfAborted();
      }
    }
  }

  /** What comes later, logs or spans of another batch, is drawn when it is there. */
  async #completed(id, first, signal) {
    let known = first;
    while (age(known) < YOUNG_MS) {
      await pause(LATER_MS);
      signal.throwIfAborted();
      const now = await ask(`/api/traces/${id}`, { signal });
      if (size(now) === size(known)) continue;
      known = now;
      this.#body?.element.remove();
      this.#draw(now);
    }
  }

  /** @param {string} text @param {(() => void) | null} again */
  #tell(text, again = null) {
    this.note.hidden = !text;
    this.note.classList.toggle("problem", Boolean(again));
    const button = again && el("button", { type: "button" }, "Try again");
    if (button) button.onclick = again;
    this.note.replaceChildren(text, ...(button ? [" ", button] : []));
  }
}
