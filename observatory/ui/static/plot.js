// A time series chart: uPlot with this page's colours, time format and legend. Dragging over it selects
// the time range.

import uPlot from "./uPlot.esm.js";
import { el } from "./dom.js";
import { clock, day, moment } from "./format.js";
import { change } from "./router.js";

const FONT = '11px system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", sans-serif';
const probe = document.body.appendChild(el("span", { hidden: true }));

/** The current value of a CSS colour property, for a canvas. */
export function colour(name) {
  probe.style.setProperty("color", `var(${name})`);
  return getComputedStyle(probe).color;
}

export class Plot {
  /** @type {any} */
  #uplot = null;
  #data = [[]];
  #shown = [];
  #removed = new AbortController();
  #from = 0;
  #to = 0;
  #wide = 0;

  /**
   * `lines`: [{label, colour, bars, width, dash}], one per data column; `format`: formats a value;
   * `range(data)`: [minimum, maximum] of the axis; `log`: logarithmic axis.
   * @param {{title: string, lines: any[], format: (value: number) => string,
   *   range: (columns: number[][]) => number[], log?: boolean, height?: number,
   *   onDraw?: (plot: any) => void}} options
   */
  constructor({ title, lines, format, range, log = false, height = 120, onDraw = () => {} }) {
    this.lines = lines;
    this.format = format;
    this.range = range;
    this.log = log;
    this.height = height;
    this.onDraw = onDraw;
    this.values = lines.map(() => el("b"));
    this.when = el("span.when");
    const keys = lines.map((line, place) =>
      el("li.key", { "--key": `var(${line.colour})` }, line.label, this.values[place]),
    );
    this.heading = el("h2", {}, title);
    this.surface = el("div.plot", { role: "group", "aria-label": "" });
    this.element = el(
      "figure.chart",
      {},
      el("figcaption", {}, this.heading, el("ul.keys", {}, ...keys), this.when),
      this.surface,
    );
    const { signal } = this.#removed;
    this.resizes = new ResizeObserver(() => this.#fit());
    this.resizes.observe(this.surface);
    addEventListener("themechange", () => this.#build(), { signal });
    const dark = matchMedia("(prefers-color-scheme: dark)");
    dark.addEventListener("change", () => this.#build(), { signal });
  }

  /** Stop listening; a plot that is replaced would otherwise be kept and drawn for ever. */
  destroy() {
    this.#removed.abort();
    this.resizes.disconnect();
    this.#uplot?.destroy();
    this.#uplot = null;
  }

  get uplot() {
    return this.#uplot;
  }

  /**
   * `times`: start of each step in seconds; `columns`: one per line; `shown`: in the legend, where
   * lines are drawn on top of each other.
   */
  set(times, step, columns, shown = columns) {
    this.#shown = shown;
    // A bar covers its step; a point of a line is at the middle of its step.
    const shift = this.lines.every(({ bars }) => bars) ? 0 : step / 2;
    this.#data = [times.map((time) => time + shift), ...columns];
    [this.#from, this.#to] = times.length ? [times[0], times.at(-1) + step] : [0, 0];
    if (this.#uplot) this.#uplot.setData(this.#data);
    else this.#build();
  }

  #fit() {
    const width = this.surface.clientWidth;
    if (!width || width === this.#wide) return;
    if (this.#uplot) this.#uplot.setSize({ width, height: this.height });
    else this.#build();
    this.#wide = width;
  }

  #build() {
    const width = this.surface.clientWidth;
    if (!width || !this.#data[0].length) return;
    this.#uplot?.destroy();
    this.#wide = width;
    this.#uplot = new uPlot(this.#options(width), this.#data, this.surface);
  }

  #options(width) {
    return {
      width,
      height: this.height,
      padding: [8, 20, 0, 0],
      legend: { show: false },
      cursor: {
        y: false,
        points: { size: 6 },
        drag: { x: true, y: false, setScale: false, dist: 4 },
        sync: {
          key: "time",
          filters: { pub: (type) => type === "mousemove" || type === "mouseleave" },
        },
      },
      scales: {
        x: { range: () => [this.#from, this.#to] },
        y: { distr: this.log ? 3 : 1, range: () => this.range(this.#data.slice(1)) },
      },
      axes: [this.#timeAxis(), this.#valueAxis()],
      series: [{}, ...this.lines.map(series)],
      hooks: {
        setSelect: [selectRange],
        setCursor: [(uplot) => this.#point(uplot.cursor.idx)],
        draw: [() => this.onDraw(this)],
      },
    };
  }

  #axis() {
    return {
      font: FONT,
      stroke: colour("--quiet"),
      grid: { stroke: colour("--line"), width: 1 },
      ticks: { show: false },
    };
  }

  #timeAxis() {
    const values = (_, splits, __, ___, step) =>
      splits.map((second) =>
        step >= 86400 ? day(second * 1000) : clock(second * 1000, { seconds: step < 60 }),
      );
    return { ...this.#axis(), size: 24, gap: 4, space: 70, values };
  }

  #valueAxis() {
    const values = (_, splits) => splits.map((value) => (value === null ? "" : this.format(value)));
    const splits = this.log
      ? { splits: (_, __, least, most) => decades(least, most) }
      : { space: 32 };
    return { ...this.#axis(), size: 60, gap: 4, values, ...splits, filter: (_, all) => all };
  }

  #point(place) {
    const times = this.#data[0];
    const there = place !== null && place !== undefined;
    this.when.textContent = there ? moment(times[place] * 1000) : "";
    this.#shown.forEach((column, line) => {
      const value = there ? column[place] : null;
      this.values[line].textContent =
        value === null || value === undefined ? "" : this.format(value);
    });
  }
}

function series({ label, colour: name, bars = false, width = 1.5, dash }) {
  const stroke = colour(name);
  const common = { label, stroke, width, dash };
  if (bars)
    return {
      ...common,
      width: 0,
      fill: stroke,
      points: { show: false },
      paths: uPlot.paths.bars({ size: [0.8, 24], align: 1 }),
    };
  return { ...common, points: { show: true, size: 4, fill: stroke, filter: alone } };
}

/** Indexes of values without neighbours: they have no line and are drawn as points. */
function alone(uplot, place) {
  const values = uplot.data[place];
  const is = (at) => values[at] !== null && values[at] !== undefined;
  return values.map((_, at) => at).filter((at) => is(at) && !is(at - 1) && !is(at + 1));
}

/** Axis ticks 1, 2, 5, 10, 20 … between two numbers; only powers of ten for a wide range. */
function decades(least, most) {
  const steps = most / least > 300 ? [1] : most / least > 30 ? [1, 3] : [1, 2, 5];
  const found = [];
  for (let ten = 10 ** Math.floor(Math.log10(least)); ten <= most; ten *= 10)
    found.push(...steps.map((step) => step * ten).filter((at) => at >= least && at <= most));
  return found;
}

function selectRange(uplot) {
  const { left, width } = uplot.select;
  if (width < 4) return;
  const [from, to] = [left, left + width].map((at) => Math.round(uplot.posToVal(at, "x") * 1000));
  uplot.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
  change({ from, to, last: null });
}
