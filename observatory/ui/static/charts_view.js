// The Charts view: latency, request rate and error rate over time; latency by route.

import { fetchJson, latest } from "./api.js";
import { el } from "./dom.js";
import { facets } from "./facets.js";
import { filterBar, apiQuery } from "./filters.js";
import { Live, pauseButton } from "./live.js";
import { isOpen } from "./range.js";
import { params } from "./router.js";
import { errorChart, latencyChart, rateChart } from "./service_charts.js";
import { name } from "./text.js";

const POLL_MS = 5000;
const ROUTES = 8;

export class ChartsView {
  name = "charts";
  #loads = latest();
  #byRoute = new Map();

  constructor() {
    this.live = new Live(() => this.#load(), POLL_MS);
    this.pause = pauseButton(this.live);
    this.bar = filterBar(["service", "route", "status", "duration", "attributes"], {
      tools: [this.pause.element],
    });
    this.latency = latencyChart({ title: "Latency with exemplars", height: 320 });
    this.rate = rateChart({ height: 200 });
    this.errors = errorChart({ height: 200 });
    this.note = el("p.notice.problem", { role: "alert", hidden: true });
    this.routes = el("div.charts.routes");
    this.element = el(
      "div.view",
      {},
      el("h1.unseen", {}, "Charts"),
      this.bar.element,
      this.note,
      this.latency.element,
      el("div.charts", {}, this.rate.element, this.errors.element),
      el("section", {}, el("h2.part", {}, "Latency by route"), this.routes),
    );
  }

  title = () => "Charts";

  show() {
    this.bar.show();
    this.pause.start(isOpen());
    this.#load();
  }

  hide() {
    this.live.stop();
    this.#loads.stop();
  }

  key(event) {
    if (event.key === "/") this.bar.field.focus();
    else if (event.key === "p") this.pause.press();
    else return false;
    return true;
  }

  async #load() {
    const signal = this.#loads.next();
    try {
      const answer = await fetchJson("/api/charts", { query: apiQuery(), signal });
      for (const chart of [this.latency, this.rate, this.errors]) chart.set(answer);
      await this.#drawRoutes(signal);
      this.note.hidden = true;
      this.element.ariaBusy = "false";
    } catch (error) {
      if (signal.aborted) return;
      this.note.textContent = error.message;
      this.note.hidden = false;
      this.element.ariaBusy = "false";
    }
  }

  async #drawRoutes(signal) {
    const { routes } = await facets();
    signal.throwIfAborted();
    const chosen = params().get("route");
    const shown = chosen ? [chosen] : routes.slice(0, ROUTES);
    const charts = shown.map((route) => [route, this.#chartOf(route)]);
    this.routes.replaceChildren(...charts.map(([, chart]) => chart.element));
    await Promise.all(
      charts.map(async ([route, chart]) => {
        const answer = await fetchJson("/api/charts", { query: apiQuery({ route }), signal });
        chart.element.hidden = !answer.rate.some(Boolean); // no data for this service or range
        if (!chart.element.hidden) chart.set(answer);
      }),
    );
  }

  /** The chart of a route; its heading links to the traces. */
  #chartOf(route) {
    if (!this.#byRoute.has(route)) {
      const chart = latencyChart({ title: "", height: 130, dots: false });
      this.#byRoute.set(route, {
        ...chart,
        link: chart.heading.appendChild(el("a", { href: "/traces" }, name(route, 60))),
      });
    }
    const chart = this.#byRoute.get(route);
    const query = params();
    query.set("route", route);
    chart.link.setAttribute("href", `/traces?${query}`);
    return chart;
  }
}
