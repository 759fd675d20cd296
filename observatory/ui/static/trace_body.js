// A loaded trace: header, tabs, waterfall, span details.

import { el, announce } from "./dom.js";
import { change, params } from "./router.js";
import { minimap } from "./minimap.js";
import { spanPanel } from "./span_panel.js";
import { timeSpent } from "./time_spent.js";
import { Timeline } from "./timeline.js";
import { traceHead } from "./trace_head.js";
import { traceLogs } from "./trace_logs.js";
import { Waterfall } from "./waterfall.js";

export class TraceBody {
  /** @type {number[] | null} */
  #found = null;

  constructor(model) {
    this.model = model;
    this.timeline = new Timeline(model.duration, () => this.#zoomed());
    this.map = minimap(model, this.timeline);
    this.waterfall = new Waterfall(model, this.timeline, {
      select: (place) => this.#select(place),
      enter: () => this.panel.element.focus(),
    });
    this.panel = spanPanel(() => this.#select(-1));
    this.logs = traceLogs(model);
    this.tabs = this.#tabs();
    this.spans = el(
      "div.spans",
      { id: "pane-spans", role: "tabpanel", "aria-labelledby": "tab-spans" },
      el("div.above", {}, this.map.element),
      this.waterfall.element,
    );
    this.logs.element.id = "pane-logs";
    this.logs.element.setAttribute("role", "tabpanel");
    this.element = el(
      "div.trace-body",
      {},
      traceHead(model),
      timeSpent(model, (place) => this.#select(place)),
      (this.tools = this.#toolbar()),
      el("div.split", {}, this.spans, this.logs.element, this.panel.element),
    );
  }

  #tabs() {
    const tab = (value, text) => {
      const button = el(
        "button",
        {
          type: "button",
          role: "tab",
          id: `tab-${value || "spans"}`,
          "aria-controls": `pane-${value || "spans"}`,
          "data-tab": value,
        },
        text,
      );
      button.onclick = () => change({ tab: value }, { replace: true });
      return button;
    };
    const logs = ["Logs ", el("small", {}, String(this.model.logs.length))].flat();
    const tabs = [tab("", "Waterfall"), tab("logs", "")];
    tabs[1].append(...logs);
    return tabs;
  }

  #toolbar() {
    this.search = el("input.search", {
      type: "search",
      placeholder: "Find spans",
      "aria-label": "Find spans by name, service or attribute",
      spellcheck: "false",
    });
    this.search.oninput = () => this.#find();
    this.search.onkeydown = (event) => this.#searchKey(event);
    this.matches = el("span.quiet", { role: "status" });
    const all = (text, folded) => {
      const button = el("button.small", { type: "button" }, text);
      button.onclick = () => (this.model.foldAll(folded), this.waterfall.layOut());
      return button;
    };
    this.whole = el("button.small", { type: "button", hidden: true }, "Zoom out");
    this.whole.onclick = () => this.timeline.reset();
    return el(
      "div.trace-tools",
      {},
      el("div.tabs", { role: "tablist", "aria-label": "Trace views" }, ...this.tabs),
      this.search,
      this.matches,
      all("Collapse all", true),
      all("Expand all", false),
      this.whole,
      legend(),
    );
  }

  /** Show the span and the tab in the URL. */
  show() {
    const logs = params().get("tab") === "logs";
    if (logs) this.logs.open();
    this.spans.hidden = logs;
    this.logs.element.hidden = !logs;
    this.tools.classList.toggle("of-logs", logs);
    for (const tab of this.tabs) tab.ariaSelected = String((tab.dataset.tab === "logs") === logs);
    const place = this.model.places.get((params().get("span") ?? "").toLowerCase()) ?? -1;
    this.panel.show(this.model.spans[place], this.model);
    if (place !== this.waterfall.selected) this.waterfall.mark(place);
  }

  focus() {
    this.waterfall.element.focus({ preventScroll: true });
  }

  #select(place) {
    const within = this.panel.element.contains(document.activeElement);
    change(
      { span: place < 0 ? null : this.model.spans[place].span_id, tab: null },
      { replace: true },
    );
    if (place < 0 && within) this.focus();
  }

  #zoomed() {
    this.whole.hidden = this.timeline.isWhole;
    this.map.draw();
    this.waterfall.redraw();
  }

  #find() {
    this.#found = this.model.having(this.search.value);
    this.waterfall.find(this.#found);
    this.matches.textContent = this.#found ? `${this.#found.length} found` : "";
  }

  #searchKey(event) {
    if (event.key !== "Enter") return;
    event.preventDefault();
    this.#next(event.shiftKey ? -1 : 1);
  }

  #next(step) {
    const found = this.#found ?? [];
    if (!found.length) return;
    const from = this.waterfall.selected;
    const at =
      step > 0
        ? found.findIndex((place) => place > from)
        : found.findLastIndex((place) => place < from);
    const place = found[at >= 0 ? at : step > 0 ? 0 : found.length - 1];
    this.#select(place);
    announce(this.model.spans[place].name);
  }

  /** Handle a key; returns whether it was handled. */
  key(event) {
    const { key } = event;
    if (key === "/") this.search.focus();
    else if (key === "n" || key === "N") this.#next(key === "n" ? 1 : -1);
    else if (key === "Escape" && !this.panel.element.hidden) this.#select(-1);
    else if (!this.logs.element.hidden) return this.logs.key(event);
    else if (event.target.closest?.("button, a, summary, .panel") && !/^[jk]$/.test(key))
      return false;
    else if (!this.waterfall.key(event)) return false;
    else if (/^[jk]$|^Arrow/.test(key)) this.focus();
    return true;
  }
}

function legend() {
  return el(
    "p.legend",
    {},
    el("span.sample", { "aria-hidden": "true" }, el("i")),
    "critical path",
  );
}
