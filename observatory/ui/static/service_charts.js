// Charts of a service: latency percentiles, request rate, error rate.

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
const positive = (value) => (value > 0 ? value : null); // for the logarithmic axis

/**
 * {element, set(answer)}: latency percentiles with exemplars.
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
    describe(plot, "p95 latency", p95, milliseconds);
  };
  return { element: plot.element, heading: plot.heading, set };
}

/**
 * {element, set(answer)}: requests and failed requests per second.
 * @param {{title?: string, height?: number}} options
 */
export function rateChart({ height, title = "Request rate" } = {}) {
  const plot = new Plot({
    title,
    height,
    format: perSecond,
    lines: [
      { label: "all", colour: "--rate", bars: true },
      { label: "4xx", colour: "--warn", bars: true },
      { label: "errors", colour: "--bad", bars: true },
    ],
    range: ([rate]) => [0, 1.1 * Math.max(...rate, 0.01)],
  });
  const set = ({ times, step, rate, errors, refused }) => {
    // Errors are drawn over the refused ones, from 0: no request is both.
    const bad = refused.map((count, place) => (count ? count + errors[place] : 0));
    plot.set(times, step, [rate, bad, errors], [rate, refused, errors]);
    describe(plot, "Request rate", rate, perSecond);
  };
  return { element: plot.element, set };
}

/**
 * {element, set(answer)}: percentages of failed requests and of 4xx responses.
 * @param {{height?: number}} options
 */
export function errorChart({ height } = {}) {
  const plot = new Plot({
    title: "Error rate",
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
    describe(plot, "Error rate", shares[0], (value) => `${value.toFixed(1)} %`);
  };
  return { element: plot.element, set };
}

/** [minimum, maximum] of the axis, with a margin, for lines and dots. */
function ends(columns, dots) {
  const values = columns.flat().filter((value) => value > 0);
  if (dots) values.push(...dots);
  if (!values.length) return [1, 1000];
  const [least, most] = [Math.min(...values), Math.max(...values)];
  return [least / 1.4, Math.max(most * 1.4, least * 4)];
}

/** The accessible name of the chart: its maximum. */
function describe(plot, name, column, format) {
  const values = column.filter((value) => value !== null);
  const most = values.length ? format(Math.max(...values)) : "no data";
  plot.surface.ariaLabel = `${name} over time, maximum ${most}`;
}
