// Exemplars: traces as dots on a latency chart, each a link to its trace.

import { el } from "./dom.js";
import { duration, moment } from "./format.js";
import { traceAddress } from "./ids.js";
import { oneLine } from "./text.js";

const STATUSES = { ok: "ok", error: "error", degraded: "degraded" };

/** The dots of one chart. Call `place` after each drawing of the chart. */
export class Exemplars {
  #links = new Map();
  #all = [];
  #tip = el("div.tip", { role: "tooltip", hidden: true });

  /** `all`: [{time, duration, trace_id, status, name}], in milliseconds. */
  set(all) {
    this.#all = all.filter((each) => traceAddress(each.trace_id));
    const kept = new Map(
      this.#all.map((each) => [each.trace_id, this.#links.get(each.trace_id) ?? this.#link(each)]),
    );
    for (const [id, link] of this.#links) if (!kept.has(id)) link.remove();
    this.#links = kept;
  }

  /** [minimum, maximum] in milliseconds, or null if there are none. */
  get ends() {
    const all = this.#all.map((each) => each.duration).filter((each) => each > 0);
    return all.length ? [Math.min(...all), Math.max(...all)] : null;
  }

  place({ uplot }) {
    uplot.over.append(...this.#links.values(), this.#tip);
    const { width, height } = uplot.over.getBoundingClientRect();
    for (const each of this.#all) {
      const link = this.#links.get(each.trace_id);
      const x = uplot.valToPos(each.time / 1000, "x");
      const y = uplot.valToPos(Math.max(each.duration, 0.001), "y");
      link.hidden = !(x >= 0 && x <= width && y >= -2 && y <= height + 2);
      link.style.setProperty("--x", `${x}px`);
      link.style.setProperty("--y", `${y}px`);
    }
  }

  #link(each) {
    const status = Object.hasOwn(STATUSES, each.status) ? each.status : "ok";
    const text = `${oneLine(each.name, 80)}, ${STATUSES[status]}, ${duration(each.duration * 1e6)}, ${moment(each.time)}`;
    const link = el(`a.dot.${status}`, {
      href: traceAddress(each.trace_id),
      tabindex: "-1",
      "aria-label": text,
    });
    link.onpointerenter = () => this.#show(each, status, link);
    link.onpointerleave = () => (this.#tip.hidden = true);
    return link;
  }

  #show(each, status, link) {
    const [x, width] = [link.offsetLeft, link.parentElement.clientWidth];
    this.#tip.replaceChildren(
      el("bdi.name", {}, oneLine(each.name, 80)),
      el(
        "span",
        {},
        el("b", {}, duration(each.duration * 1e6)),
        el(`span.badge.${status}`, {}, STATUSES[status]),
      ),
      el("span.quiet", {}, moment(each.time, { milliseconds: true })),
    );
    this.#tip.hidden = false;
    this.#tip.classList.toggle("left", x > width / 2);
    this.#tip.style.setProperty("--x", link.style.getPropertyValue("--x"));
    this.#tip.style.setProperty("--y", link.style.getPropertyValue("--y"));
  }
}
