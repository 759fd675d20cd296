// The charts of what a service does: how long requests take, how many there are, how many fail.

import { duration } from "./format.js";
import { Exemplars } from "./exemplars.js";
import { Plot } from "./plot.js";

const PERCENTILES = [
  { label: "p50", colour: "--p50" },
  { label: "p95", colour: "--p95" },
  { label: "p99", colour: "--p99" },
];
const milliseconds = (value) => duration(value * 1e6);
const perSecond = (value) => `${Number(value.toPrecision(3))}/s`;
const positive = (value) => (value > 0 ? value : null); // a logarithm wants that

/**
 * {element, set(answer)} of percentiles with exemplars.
 * @param {{title?: string, height?: number, dots?: boolean}} options
 */
export function latencyChart({ title = "Latency", height, dots = true } = {}) {
  const exemplars = new Exemplars();
  const plot = new Plot({
    title,
    height,
    lines: PERCENTILES,
    log: true,
    format: milliseconds,
    range: (columns) => ends(columns, exemplars.ends),
    onDraw: (drawn) => exemplars.place(drawn),
  });
  const set = ({ times, step, p50, p95, p99, exemplars: all }) => {
    exemplars.set(dots ? all : []);
    plot.set(
      times,
      step,
      [p50, p95, p99].map((column) => column.map(positive)),
    );
    tell(plot, "Latency", p95, milliseconds);
  };
  return { element: plot.element, heading: plot.heading, set };
}

/**
 * {element, set(answer)} of requests, and those of them that failed.
 * @param {{title?: string, height?: number}} options
 */
export function rateChart({ height, title = "Requests" } = {}) {
  const plot = new Plot({
    title,
    height,
    format: perSecond,
    lines: [
      { label: "all", colour: "--rate", bars: true },
      { label: "errors", colour: "--bad", bars: true },
    ],
    range: ([rate]) => [0, 1.1 * Math.max(...rate, 0.01)],
  });
  const set = ({ times, step, rate, errors }) => {
    plot.set(times, step, [rate, errors]);
    tell(plot, "Requests", rate, perSecond);
  };
  return { element: plot.element, set };
}

/**
 * {element, set(answer)} of the shares of requests that failed, and that were refused (4xx).
 * @param {{height?: number}} options
 */
export function errorChart({ height } = {}) {
  const plot = new Plot({
    title: "Errors",
    height,
    format: (value) => `${Number(value.toPrecision(3))} %`,
    lines: [
      { label: "failed", colour: "--bad", bars: true },
      { label: "4xx", colour: "--warn" },
    ],
    range: (columns) => [0, Math.min(100, Math.max(1, 1.2 * Math.max(...columns.flat(), 0)))],
  });
  const set = ({ times, step, rate, errors, refused }) => {
    const shares = [errors, refused].map((some) =>
      some.map((count, place) => (rate[place] ? (100 * count) / rate[place] : null)),
    );
    plot.set(times, step, shares);
    tell(plot, "Errors", shares[0], (value) => `${value.toFixed(1)} %`);
  };
  return { element: plot.element, set };
}

/** The two ends of the axis, with some air; whole of the lines and of the dots. */
function ends(columns, dots) {
  const values = columns.flat().filter((value) => value > 0);
  if (dots) values.push(...dots);
  if (!values.length) return [1, 1000];
  const [least, most] = [Math.min(...values), Math.max(...values)];
  return [least / 1.4, Math.max(most * 1.4, least * 4)];
}

/** What the picture shows at most, for those who don't see it. */
function tell(plot, name, column, format) {
  const values = column.filter((value) => value !== null);
  const most = values.length ? format(Math.max(...values)) : "nothing";
  plot.surface.ariaLabel = `${name} over time, ${most} at most`;
}
