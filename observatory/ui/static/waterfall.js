// The waterfall of spans. Only visible rows are in the DOM, so that thousands of spans stay fast.

import { el } from "./dom.js";
import { duration } from "./format.js";
import { ROW, spanRow } from "./span_row.js";

const BEYOND = 12; // rows above and below the visible ones
const ROOMY = 9; // characters of a label up to which the last two fit
const QUARTERS = [0, 1, 2, 3, 4];

export class Waterfall {
  #shown = [];
  #rows = new Map(); // place → element
  /** @type {Set<number> | null} */
  #found = null;
  #waiting = 0; // eslint-disable-line no-unused-private-class-members -- read by ||=
  selected = -1;

  /** `select(place)`: a span was selected (-1: none); `enter()`: go to its details. */
  constructor(model, timeline, { select, enter }) {
    this.model = model;
    this.timeline = timeline;
    this.select = select;
    this.enter = enter;
    this.marks = el("div.marks", { role: "columnheader" }, el("span.unseen", {}, "Time"));
    this.body = el("div.body", { role: "rowgroup" });
    this.element = el(
      "div.waterfall",
      {
        role: "treegrid",
        tabindex: "0",
        "aria-label": "Spans",
        "aria-rowcount": String(model.spans.length + 1),
        "aria-colcount": "2",
      },
      el(
        "div",
        { role: "rowgroup", class: "ruler" },
        el(
          "div.span",
          { role: "row" },
          el("div.who", { role: "columnheader" }, "Span"),
          this.marks,
        ),
      ),
      this.body,
    );
    this.element.onscroll = () => this.#soon();
    this.element.onclick = (event) => this.#click(event);
    this.element.onfocus = () => this.selected < 0 && this.#point();
    new ResizeObserver(() => this.redraw()).observe(this.element);
    this.layOut();
  }

  /** Call after collapsing or expanding. */
  layOut() {
    this.#shown = this.model.visible();
    this.body.style.setProperty("height", `${this.#shown.length * ROW}px`);
    this.redraw();
  }

  /** Redraw all visible rows. */
  redraw() {
    for (const row of this.#rows.values()) row.remove();
    this.#rows.clear();
    this.#drawRuler();
    this.#draw();
  }

  #drawRuler() {
    const { from, to } = this.timeline;
    const texts = QUARTERS.map((quarter) => duration(from + ((to - from) * quarter) / 4));
    if (texts[3].length > ROOMY) texts[3] = ""; // the last label is left of its mark
    this.marks.replaceChildren(
      ...texts.map((text, quarter) => el(`span.q${quarter}`, { "--l": `${quarter * 25}%` }, text)),
    );
  }

  #soon() {
    this.#waiting ||= requestAnimationFrame(() => {
      this.#waiting = 0;
      this.#draw();
    });
  }

  #draw() {
    const { scrollTop, clientHeight } = this.element;
    const first = Math.max(0, Math.floor(scrollTop / ROW) - BEYOND);
    const last = Math.min(this.#shown.length, Math.ceil((scrollTop + clientHeight) / ROW) + BEYOND);
    const wanted = new Map(this.#shown.slice(first, last).map((place, at) => [place, first + at]));
    for (const [place, row] of this.#rows) {
      if (wanted.has(place)) continue;
      row.remove();
      this.#rows.delete(place);
    }
    for (const [place, at] of wanted) this.#put(place, at);
    this.#point();
  }

  #put(place, at) {
    if (this.#rows.has(place)) return;
    const found = this.#found ? this.#found.has(place) : undefined;
    const row = spanRow(this.model, this.timeline, place, {
      selected: place === this.selected,
      found,
    });
    row.style.setProperty("top", `${at * ROW}px`);
    this.#rows.set(place, row);
    this.body.append(row);
  }

  #point() {
    const there = this.#rows.has(this.selected);
    if (there) this.element.setAttribute("aria-activedescendant", `span-${this.selected}`);
    else this.element.removeAttribute("aria-activedescendant");
  }

  #click(event) {
    const row = event.target.closest("[data-place]");
    if (!row) return;
    const place = Number(row.dataset.place);
    if (event.target.closest("[data-fold]")) this.fold(place, !this.model.isFolded(place));
    else this.select(place === this.selected ? -1 : place);
  }

  fold(place, folded) {
    this.model.fold(place, folded);
    this.layOut();
  }

  /** Select a span and scroll to it; -1 for none. */
  mark(place, { reveal = true } = {}) {
    this.selected = place;
    if (place >= 0 && reveal && !this.#shown.includes(place)) {
      this.model.reveal(place);
      this.#shown = this.model.visible();
      this.body.style.setProperty("height", `${this.#shown.length * ROW}px`);
    }
    if (place >= 0) this.#scrollTo(this.#shown.indexOf(place));
    this.redraw();
  }

  #scrollTo(at) {
    const { scrollTop, clientHeight } = this.element;
    const [top, bottom] = [at * ROW, (at + 2) * ROW]; // one row is the ruler
    if (top < scrollTop) this.element.scrollTop = top;
    else if (bottom > scrollTop + clientHeight) this.element.scrollTop = bottom - clientHeight;
  }

  /** Highlight these spans; null for all. */
  find(places) {
    this.#found = places && new Set(places);
    this.redraw();
  }

  /** Handle a key; returns whether it was handled. */
  key({ key }) {
    const at = this.#shown.indexOf(this.selected);
    const place = this.selected;
    if (key === "j" || key === "ArrowDown") this.#go(at + 1);
    else if (key === "k" || key === "ArrowUp") this.#go(at < 0 ? 0 : at - 1);
    else if (key === "Home") this.#go(0);
    else if (key === "End") this.#go(this.#shown.length - 1);
    else if (at < 0) return false;
    else if (key === "ArrowRight") this.#inwards(place, at);
    else if (key === "ArrowLeft") this.#outwards(place);
    else if (key === "Enter") this.enter();
    else return false;
    return true;
  }

  #go(at) {
    this.select(this.#shown[Math.max(0, Math.min(at, this.#shown.length - 1))]);
  }

  #inwards(place, at) {
    if (this.model.isFolded(place)) this.fold(place, false);
    else if (this.model.isParent(place)) this.#go(at + 1);
  }

  #outwards(place) {
    const parent = this.model.parent(place);
    if (this.model.isParent(place) && !this.model.isFolded(place)) this.fold(place, true);
    else if (parent >= 0) this.select(parent);
  }
}
