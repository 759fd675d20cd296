// A latency heat map on a canvas. A region is chosen by dragging, or with the arrow keys and Shift.

import { announce, el } from "./dom.js";
import { clock, count, duration, moment, plural } from "./format.js";
import { colour } from "./plot.js";

const HEIGHT = 220;
const LABELS = 5;

export class HeatMap {
  /** @type {any} */
  #answer = { times: [], bounds: [], cells: [], step: 1 };
  /** Columns and rows of the corners: [column, row, column, row], or null. @type {any} */
  #region = null;
  #cursor = [0, 0];
  #dragging = false;
  #counts = new Map();

  /**
   * `onSelect(region)`: {from, to, min_ms, max_ms}; milliseconds, null where there is no limit.
   * `purpose`: what dragging is for.
   */
  constructor(onSelect, purpose = "Drag over a region to compare it with the rest.") {
    this.onSelect = onSelect;
    this.canvas = el("canvas", { "aria-hidden": "true" });
    this.marker = el("i.region", { hidden: true });
    this.rows = el("div.rows", { "aria-hidden": "true" });
    this.columns = el("div.columns", { "aria-hidden": "true" });
    this.when = el("span.when");
    this.surface = el(
      "div.heat",
      {
        tabindex: "0",
        role: "application",
        "aria-label": "Latency heat map",
        "aria-describedby": "heat-help",
      },
      this.canvas,
      this.marker,
    );
    this.element = el(
      "figure.chart.heatmap",
      {},
      el("figcaption", {}, el("h2", {}, "Latency heat map"), this.when),
      el("div.area", {}, this.rows, this.surface, this.columns),
      el(
        "small",
        { id: "heat-help" },
        `${purpose} Keyboard: arrow keys move, Shift and arrow keys mark, Enter chooses, Esc clears.`,
      ),
    );
    this.surface.onpointerdown = (event) => this.#start(event);
    this.surface.onpointermove = (event) => this.#move(event);
    this.surface.onpointerup = () => this.#drop();
    this.surface.onpointercancel = () => this.#clear();
    this.surface.onkeydown = (event) => this.#key(event);
    new ResizeObserver(() => this.#draw()).observe(this.surface);
    addEventListener("themechange", () => this.#draw());
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.#draw());
  }

  /** `chosen`: the region of the first set in milliseconds, as `onSelect` got it, or null. */
  set(answer, chosen) {
    this.#answer = answer;
    this.#counts = new Map(answer.cells.map(([x, y, all, bad]) => [`${x} ${y}`, [all, bad]]));
    this.#region = chosen && this.#placed(chosen);
    this.#cursor = this.#cursor.map((at, axis) =>
      Math.min(at, Math.max(0, (axis ? this.#height : this.#width) - 1)),
    );
    this.#labels();
    this.#draw();
  }

  /** Start of what is shown, in milliseconds. */
  get from() {
    return this.#answer.from ?? 0;
  }

  get #width() {
    return this.#answer.times.length;
  }

  get #height() {
    return Math.max(0, this.#answer.bounds.length - 1);
  }

  /** The cells of a region in milliseconds. */
  #placed({ from, to, min_ms: least, max_ms: most }) {
    const { times, bounds, step } = this.#answer;
    const left = times.findIndex((time) => (time + step) * 1000 > (from ?? 0));
    const right = times.findLastIndex((time) => time * 1000 < (to ?? Infinity));
    const low = least === null ? 0 : bounds.findLastIndex((bound) => bound <= least * 1.0001);
    const high = most === null ? this.#height - 1 : bounds.findIndex((bound) => bound >= most * 0.9999) - 1;
    return left < 0 || right < left ? null : [left, Math.max(low, 0), right, Math.max(high, low, 0)];
  }

  #labels() {
    const { times, bounds, step } = this.#answer;
    const rows = Math.max(1, Math.ceil(bounds.length / LABELS));
    this.rows.replaceChildren(
      ...bounds
        .map((bound, at) => [bound, at])
        .filter(([, at]) => at % rows === 0)
        .map(([bound, at]) =>
          el("span", { "--y": String(at / Math.max(1, this.#height)) }, duration(bound * 1e6)),
        ),
    );
    const ends = times.length ? [times[0], times[Math.floor(times.length / 2)], times.at(-1) + step] : [];
    this.columns.replaceChildren(
      ...ends.map((time) => el("span", {}, clock(time * 1000, { seconds: step < 60 }))),
    );
  }

  #draw() {
    const wide = this.surface.clientWidth;
    if (!wide) return;
    const scale = devicePixelRatio || 1;
    this.canvas.width = wide * scale;
    this.canvas.height = HEIGHT * scale;
    const context = this.canvas.getContext("2d");
    const [x, y] = [this.canvas.width / this.#width, this.canvas.height / this.#height];
    const most = Math.max(1, ...this.#answer.cells.map((cell) => cell[2]));
    const [usual, bad] = [colour("--p50"), colour("--bad")];
    for (const [column, row, all, failed] of this.#answer.cells) {
      context.globalAlpha = 0.12 + 0.88 * Math.sqrt(all / most);
      context.fillStyle = failed * 2 > all ? bad : usual;
      const top = (this.#height - 1 - row) * y;
      context.fillRect(column * x, top, Math.ceil(x) - (x > 4 ? 1 : 0), Math.ceil(y) - 1);
    }
    this.#mark();
  }

  #mark() {
    const shown = this.#region !== null && this.#width > 0;
    this.marker.hidden = !shown;
    if (!shown) return;
    const [left, low, right, high] = sorted(this.#region);
    const style = this.marker.style;
    style.setProperty("--left", String(left / this.#width));
    style.setProperty("--wide", String((right - left + 1) / this.#width));
    style.setProperty("--top", String((this.#height - 1 - high) / this.#height));
    style.setProperty("--high", String((high - low + 1) / this.#height));
  }

  #cell(event) {
    const box = this.surface.getBoundingClientRect();
    const at = (value, size) => Math.min(size - 1, Math.max(0, Math.floor(value * size)));
    const column = at((event.clientX - box.left) / box.width, this.#width);
    return [column, this.#height - 1 - at((event.clientY - box.top) / box.height, this.#height)];
  }

  #start(event) {
    if (event.button || !this.#answer.cells.length) return;
    this.surface.setPointerCapture(event.pointerId);
    this.#dragging = true;
    this.#cursor = this.#cell(event);
    this.#region = [...this.#cursor, ...this.#cursor];
    this.#mark();
  }

  #move(event) {
    if (!this.#answer.cells.length) return;
    const cell = this.#cell(event);
    this.when.textContent = this.#describe([...cell, ...cell]);
    if (!this.#dragging) return;
    this.#cursor = cell;
    this.#region = [...this.#region.slice(0, 2), ...cell];
    this.when.textContent = this.#describe(this.#region);
    this.#mark();
  }

  #drop() {
    if (!this.#dragging) return;
    this.#dragging = false;
    this.#choose();
  }

  #clear() {
    this.#dragging = false;
    this.#region = null;
    this.#mark();
  }

  #key(event) {
    const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
    const step = steps[event.key];
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (step && this.#width && this.#height) this.#step(step, event.shiftKey);
    else if (event.key === "Enter" && this.#region) this.#choose();
    else if (event.key === "Escape" && this.#region) this.#clear();
    else return;
    event.preventDefault();
  }

  #step([x, y], extend) {
    if (!this.#region || !extend) this.#region = [...this.#cursor, ...this.#cursor];
    this.#cursor = [
      Math.min(this.#width - 1, Math.max(0, this.#cursor[0] + x)),
      Math.min(this.#height - 1, Math.max(0, this.#cursor[1] + y)),
    ];
    this.#region = [...(extend ? this.#region.slice(0, 2) : this.#cursor), ...this.#cursor];
    this.#mark();
    this.when.textContent = this.#describe(this.#region);
    announce(this.when.textContent);
  }

  #describe(region) {
    const [left, low, right, high] = sorted(region);
    const { times, bounds, step } = this.#answer;
    let [all, failed] = [0, 0];
    for (let x = left; x <= right; x += 1)
      for (let y = low; y <= high; y += 1) {
        const [here, bad] = this.#counts.get(`${x} ${y}`) ?? [0, 0];
        all += here;
        failed += bad;
      }
    const span = `${moment(times[left] * 1000)} – ${clock((times[right] + step) * 1000)}`;
    const took = `${duration(bounds[low] * 1e6)} – ${duration(bounds[high + 1] * 1e6)}`;
    return `${span}, ${took}: ${plural(all, "request")}${failed ? `, ${count(failed)} failed` : ""}`;
  }

  #choose() {
    const [left, low, right, high] = sorted(this.#region);
    const { times, bounds, step } = this.#answer;
    this.onSelect({
      from: left === 0 ? this.#answer.from : times[left] * 1000,
      to: right === this.#width - 1 ? this.#answer.to : (times[right] + step) * 1000,
      min_ms: low === 0 ? null : bounds[low],
      max_ms: high === this.#height - 1 ? null : bounds[high + 1],
    });
  }
}

function sorted([x, y, otherX, otherY]) {
  return [Math.min(x, otherX), Math.min(y, otherY), Math.max(x, otherX), Math.max(y, otherY)];
}
