// Charts of the Model view: lines by version, with thresholds, and the changes as marks on the time
// axis. The table of changes has the same numbers as the marks.

import { el } from "./dom.js";
import { percent } from "./format.js";
import { colour, Plot } from "./plot.js";
import { oneLine } from "./text.js";

const COLOURS = 8;
const MARKS = {
  promoted: "--accent",
  rolled_back: "--accent",
  registered: "--edge",
  refused: "--bad",
  drift_started: "--warn",
  drift_ended: "--warn",
};
const SHADOW = {
  overlap: "Overlap of the first ten",
  concordance: "Concordance",
  score_shift: "Score shift",
};
const FEATURES = {
  query_length: "Query length",
  oov_ratio: "Unknown words",
  top_score: "Top score",
  margin: "Margin to the second",
  similarity: "Similarity of the first",
  relevance: "Relevance",
  embedding: "Embedding of the query",
  category: "Category of the first",
};
const STUDENT = {
  cosine: "Cosine of the query's vectors",
  overlap: "Overlap of the dense leg's first ten",
};
const number = (value) => String(Number(value.toPrecision(3)));
const share = (columns) => [0, Math.max(1, ...known(columns))];
const upwards = (least) => (columns) => [0, 1.15 * Math.max(least, ...known(columns))];
const known = (columns) => columns.flat().filter((value) => value !== null);

/** One chart, which is built again when its lines or its threshold change. */
class LineChart {
  /** @type {Plot | null} */
  #plot = null;
  #key = "";
  #marks = [];

  constructor({ title, format, range, height = 120 }) {
    this.options = { title, format, range, height };
    this.element = el("div");
  }

  /**
   * @param {{times: number[], step: number}} answer
   * @param {{label: string, values: (number | null)[]}[]} lines
   * @param {{marks: any[], colours: Map<string, string>, threshold?: number}} more
   */
  set({ times, step }, lines, { marks, colours, threshold }) {
    this.element.hidden = !lines.length;
    if (!lines.length) return;
    const drawn = lines.map(({ label }) => ({
      label: oneLine(label, 40),
      colour: colours.get(label) ?? "--s7",
    }));
    const limit = { label: "threshold", colour: "--bad", width: 1, dash: [5, 4] };
    const all = threshold === undefined ? drawn : [...drawn, limit];
    const key = JSON.stringify(all);
    if (key !== this.#key || !this.#plot) {
      this.#key = key;
      this.#plot?.destroy();
      this.#plot = new Plot({ ...this.options, lines: all, onDraw: (plot) => this.#draw(plot) });
      this.element.replaceChildren(this.#plot.element);
    }
    this.#marks = marks;
    const columns = lines.map(({ values }) => values);
    if (threshold !== undefined) columns.push(times.map(() => threshold));
    this.#plot.set(times, step, columns);
    const latest = lines.map(({ label, values }) => {
      const last = values.findLast((value) => value !== null);
      return `${oneLine(label, 40)} ${last === undefined ? "no value" : this.options.format(last)}`;
    });
    this.#plot.surface.ariaLabel = `${this.options.title} over time; latest: ${latest.join(", ")}`;
  }

  #draw({ uplot }) {
    const { ctx, bbox } = uplot;
    const ratio = devicePixelRatio;
    ctx.save();
    ctx.lineWidth = ratio;
    ctx.font = `${10 * ratio}px system-ui, sans-serif`;
    for (const mark of this.#marks) {
      const x = Math.round(uplot.valToPos(mark.at / 1000, "x", true));
      if (x < bbox.left || x > bbox.left + bbox.width) continue;
      ctx.strokeStyle = ctx.fillStyle = colour(MARKS[mark.kind] ?? "--edge");
      ctx.setLineDash([2 * ratio, 3 * ratio]);
      ctx.beginPath();
      ctx.moveTo(x, bbox.top);
      ctx.lineTo(x, bbox.top + bbox.height);
      ctx.stroke();
      ctx.fillText(String(mark.number), x + 2 * ratio, bbox.top + 9 * ratio);
    }
    ctx.restore();
  }
}

export class Charts {
  /** @type {Map<string, LineChart>} */
  #features = new Map();

  constructor() {
    this.rate = new LineChart({
      title: "Answers by version",
      format: (value) => `${number(value)}/s`,
      range: upwards(0.01),
    });
    this.answered = new LineChart({ title: "Answered", format: percent, range: share });
    this.relevance = new LineChart({ title: "Mean relevance", format: number, range: share });
    this.online = new LineChart({
      title: "Online quality: liked by users",
      format: number,
      range: upwards(0.05),
    });
    this.shadow = Object.entries(SHADOW).map(([measure, title]) => ({
      measure,
      chart: new LineChart({
        title,
        format: number,
        range: measure === "score_shift" ? upwards(0.05) : share,
      }),
    }));
    this.student = Object.entries(STUDENT).map(([measure, title]) => ({
      measure,
      chart: new LineChart({ title, format: number, range: share }),
    }));
    this.elements = {
      answers: el(
        "div.charts.three",
        {},
        this.rate.element,
        this.answered.element,
        this.relevance.element,
        this.online.element,
      ),
      student: el("div.charts.three", {}, ...this.student.map(({ chart }) => chart.element)),
      drift: el("div.charts.routes"),
      shadow: el("div.charts.three", {}, ...this.shadow.map(({ chart }) => chart.element)),
    };
  }

  /** `answer`: of /api/model; `marks`: its changes with their numbers. */
  set(answer, marks) {
    const { answers, online, drift, shadow } = answer;
    const versions = coloured([
      ...answers.rate,
      ...online.lines,
      ...drift.features.flatMap((feature) => feature.lines),
    ]);
    const of = { marks, colours: versions };
    this.rate.set(answer, answers.rate, of);
    this.answered.set(answer, answers.answered, of);
    this.relevance.set(answer, answers.relevance, of);
    this.online.set(answer, online.lines, of);
    const pairs = { marks, colours: coloured(shadow.lines.overlap) };
    for (const { measure, chart } of this.shadow) chart.set(answer, shadow.lines[measure], pairs);
    const encoders = { marks, colours: coloured(answer.student.cosine) };
    for (const { measure, chart } of this.student)
      chart.set(answer, answer.student[measure], encoders);
    this.#drift(answer, drift.features, of);
  }

  #drift(answer, features, of) {
    const shown = features.map(({ feature, threshold, lines }) => {
      const chart = this.#features.get(feature) ?? newFeature(feature, threshold);
      this.#features.set(feature, chart);
      chart.set(answer, lines, { ...of, threshold });
      return chart.element;
    });
    const box = this.elements.drift;
    if (shown.length !== box.children.length || shown.some((each, at) => box.children[at] !== each))
      box.replaceChildren(...shown);
  }
}

const newFeature = (feature, threshold) =>
  new LineChart({
    title: FEATURES[feature] ?? oneLine(feature, 40).replaceAll("_", " "),
    format: number,
    range: upwards(threshold * 1.2),
    height: 100,
  });

/** A colour for each label, in the order of the labels. */
function coloured(lines) {
  const labels = [...new Set(lines.map(({ label }) => label))].sort();
  return new Map(labels.map((label, at) => [label, `--s${at % COLOURS}`]));
}
