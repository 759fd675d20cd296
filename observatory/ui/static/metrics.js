// The Metrics view: which metrics are stored, and one of them over time, by an attribute.

import { fetchJson, latest } from "./api.js";
import { announce, el } from "./dom.js";
import { count, duration, plural } from "./format.js";
import { Live, pauseButton } from "./live.js";
import { Plot } from "./plot.js";
import { forApi, isOpen, rangeControl } from "./range.js";
import { change, params } from "./router.js";
import { Rows } from "./rows.js";
import { name, oneLine } from "./text.js";

const POLL_MS = 10_000;
const SHOWS = [
  ["", "per second"],
  ["p50", "p50"],
  ["p95", "p95"],
  ["p99", "p99"],
];

export class MetricsView {
  name = "metrics";
  #loads = latest();
  /** @type {any[]} */
  #metrics = [];
  /** @type {Plot | null} */
  #plot = null;
  #labels = "";

  constructor() {
    this.live = new Live(() => this.#load(), POLL_MS);
    this.pause = pauseButton(this.live);
    this.range = rangeControl();
    this.search = el("input.search", {
      type: "search",
      placeholder: "Find a metric",
      "aria-label": "Find a metric by name or description",
      spellcheck: "false",
    });
    this.search.oninput = () => this.#list();
    this.by = el("select", { "aria-label": "By attribute" });
    this.by.onchange = () => change({ by: this.by.value });
    this.shown = el("select", { "aria-label": "Value" });
    this.shown.append(...SHOWS.map(([value, text]) => new Option(text, value)));
    this.shown.onchange = () => change({ show: this.shown.value });
    this.note = el("p.notice", { role: "status", hidden: true });
    this.about = el("div.about");
    this.figure = el("div");
    this.list = el("ul.metric-list");
    this.rows = new Rows(this.list, "a");
    const bar = el(
      "form.filters.searched",
      { role: "search", autocomplete: "off" },
      this.search,
      ...this.range.elements,
      this.by,
      this.shown,
      el("span.tools", {}, this.pause.element),
    );
    bar.onsubmit = (event) => event.preventDefault();
    this.element = el(
      "div.view.metrics",
      {},
      el("h1.unseen", {}, "Metrics"),
      bar,
      this.note,
      el(
        "div.metric-split",
        {},
        el("nav", { "aria-label": "Metrics" }, this.list),
        el("div", {}, this.about, this.figure),
      ),
    );
  }

  title = () => "Metrics";

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
    if (event.key === "/") this.search.focus();
    else if (event.key === "p") this.pause.press();
    else return this.rows.key(event);
    return true;
  }

  async #load() {
    const signal = this.#loads.next();
    try {
      const query = forApi(params());
      this.#metrics = (await fetchJson("/api/metrics", { query, signal })).metrics;
      this.#list();
      const metric = this.#chosen();
      this.#controls(metric);
      this.#say(metric ? "" : "No metric is stored in this range.");
      if (metric) await this.#draw(metric, signal);
      this.element.ariaBusy = "false";
    } catch (error) {
      if (signal.aborted) return;
      this.#say(error.message);
      this.element.ariaBusy = "false";
    }
  }

  #chosen() {
    const wanted = params().get("name");
    return this.#metrics.find((each) => each.name === wanted) ?? this.#metrics[0];
  }

  #say(text) {
    this.note.hidden = !text;
    this.note.textContent = text;
  }

  #list() {
    const wanted = this.search.value.trim().toLowerCase();
    const found = this.#metrics.filter(({ name: called, description }) =>
      `${called} ${description}`.toLowerCase().includes(wanted),
    );
    const current = this.#chosen()?.name;
    const active = /** @type {HTMLElement | null} */ (document.activeElement);
    const focused = this.list.contains(active) ? active?.dataset.name : undefined;
    this.list.replaceChildren(...found.map((metric) => entry(metric, metric.name === current)));
    this.rows.forget();
    this.rows.refresh();
    if (wanted) announce(plural(found.length, "metric"));
    for (const link of this.list.querySelectorAll("a"))
      if (focused && link.dataset.name === focused) link.focus({ preventScroll: true });
  }

  #controls(metric) {
    const known = ["service", "instance", ...(metric?.attributes ?? [])];
    const by = params().get("by") ?? "";
    const options = known.map((key) => new Option(`by ${oneLine(key, 40)}`, key));
    if (by && !known.includes(by)) options.push(new Option(`by ${oneLine(by, 40)}`, by));
    this.by.replaceChildren(new Option("All together", ""), ...options);
    this.by.value = by;
    this.shown.hidden = metric?.kind !== "histogram";
    this.shown.value = params().get("show") ?? "";
  }

  async #draw(metric, signal) {
    const query = forApi(params());
    query.set("name", metric.name);
    const by = params().get("by");
    if (by) query.set("by", by);
    const show = metric.kind === "histogram" ? params().get("show") : null;
    if (show) query.set("show", show);
    this.about.replaceChildren(...about(metric));
    const answer = await fetchJson("/api/metrics/series", { query, signal });
    const perSecond = !show && ["counter", "histogram"].includes(metric.kind);
    const labels = answer.lines.map(({ group }) =>
      oneLine(group || (by ? "(none)" : "all"), 40),
    );
    const key = JSON.stringify([metric.name, show, labels]);
    if (key !== this.#labels) {
      this.#labels = key;
      this.#plot?.destroy();
      this.#plot = new Plot({
        title: perSecond ? "Per second" : show ? `${show} of measurements` : "Value",
        height: 280,
        lines: labels.map((label, at) => ({ label, colour: `--s${at}` })),
        format: format(perSecond ? "" : metric.unit),
        range: (columns) => ends(columns.flat().filter((value) => value !== null)),
      });
      this.figure.replaceChildren(
        this.#plot.element,
        answer.groups > labels.length
          ? el("p.quiet", {}, `The largest ${labels.length} of ${count(answer.groups)}.`)
          : "",
      );
    }
    this.#plot?.set(
      answer.times,
      answer.step,
      answer.lines.map(({ values }) => values),
    );
    if (this.#plot) this.#plot.surface.ariaLabel = `${oneLine(metric.name, 80)} over time`;
  }
}

function entry(metric, isCurrent) {
  const query = new URLSearchParams(location.search);
  query.set("name", metric.name);
  for (const each of ["by", "show"]) query.delete(each);
  const unit = metric.unit && metric.unit !== "1" ? ` · ${oneLine(metric.unit, 20)}` : "";
  return el(
    "li",
    {},
    el(
      "a",
      {
        href: `/metrics?${query}`,
        "aria-current": isCurrent ? "true" : null,
        "data-name": metric.name,
        tabindex: "-1",
      },
      name(metric.name, 80),
      el("small", {}, `${metric.kind}${unit}`),
    ),
  );
}

function about({ name: called, kind, unit, description, services, series, points }) {
  return [
    el("h2", {}, name(called, 120)),
    description ? el("p", {}, oneLine(description, 400)) : "",
    el(
      "p.quiet",
      {},
      [kind, unit && `unit ${oneLine(unit, 20)}`, `from ${oneLine(services.join(", "), 120)}`]
        .filter(Boolean)
        .join(" · "),
      ` · ${plural(series, "series", "series")}, ${plural(points, "point")}`,
    ),
  ];
}

function format(unit) {
  if (unit === "s") return (value) => duration(value * 1e9);
  return (value) => {
    for (const [size, letter] of /** @type {[number, string][]} */ ([
      [1e9, "G"],
      [1e6, "M"],
      [1e4, "k"],
    ]))
      if (Math.abs(value) >= size)
        return `${Number((value / (letter === "k" ? 1e3 : size)).toPrecision(3))} ${letter}`;
    return String(Number(value.toPrecision(3)));
  };
}

function ends(values) {
  if (!values.length) return [0, 1];
  const [least, most] = [Math.min(0, ...values), Math.max(...values)];
  return [least, most > least ? most + 0.1 * (most - least) : least + 1];
}
