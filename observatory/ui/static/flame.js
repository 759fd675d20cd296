// Where slow requests spend what usual ones don't: the answer of /api/time-spent as two flame graphs
// of critical paths, and a list of the stacks whose time differs most.

import { el } from "./dom.js";
import { duration, plural } from "./format.js";
import { name, oneLine } from "./text.js";

const MAX_DEPTH = 12;
const MIN_SHARE = 0.002; // of the width
const LISTED = 8;
const COLOURS = 8;
const ms = (value) => duration(value * 1e6);

/** The elements for an answer. */
export function timeSpent({ traces, stacks, slow_ms: slowest, usual_ms: [low, high] }) {
  if (!stacks.length) return [el("p.quiet", {}, "No requests in this range.")];
  const widest = Math.max(sum(stacks, "slow"), sum(stacks, "usual"));
  return [
    flame(`Slowest 1 % (${ms(slowest)} and more): mean of ${plural(traces.slow, "trace")}`, stacks, "slow", widest),
    flame(`Usual (${ms(low)} to ${ms(high)}): mean of ${plural(traces.usual, "trace")}`, stacks, "usual", widest),
    list(stacks),
  ];
}

const sum = (stacks, which) => stacks.reduce((total, each) => total + each[which], 0);

/** Bars nested by call: a bar is as wide as the time of its stack and of those it calls. */
function flame(title, stacks, which, widest) {
  const bars = el("div.bars", { role: "img", "aria-label": oneLine(title, 200) });
  const levels = place(tree(stacks, which), 0, 0, widest, bars);
  bars.style.setProperty("--levels", String(levels));
  return el("figure.flame", {}, el("figcaption", {}, title, " ", el("b", {}, ms(sum(stacks, which)))), bars);
}

function tree(stacks, which) {
  const root = { total: 0, calls: new Map() };
  for (const each of stacks) {
    let node = root;
    for (const called of each.stack.slice(0, MAX_DEPTH)) {
      if (!node.calls.has(called)) node.calls.set(called, { total: 0, calls: new Map() });
      node = node.calls.get(called);
      node.total += each[which];
    }
  }
  return root;
}

/** Adds the bars of what a node calls; returns the number of levels. */
function place(node, depth, left, widest, bars) {
  let levels = depth;
  for (const [called, child] of node.calls) {
    const wide = child.total / widest;
    if (wide >= MIN_SHARE) {
      const title = `${oneLine(called, 200)}: ${ms(child.total)}`;
      const style = { "--left": String(left), "--wide": String(wide), "--level": String(depth) };
      bars.append(el(`span.s${colourOf(called)}`, { ...style, title }, oneLine(called, 60)));
      levels = Math.max(levels, depth + 1, place(child, depth + 1, left, widest, bars));
    }
    left += wide;
  }
  return levels;
}

const colourOf = (text) =>
  [...text].reduce((total, letter) => (total * 31 + (letter.codePointAt(0) ?? 0)) % 9973, 7) % COLOURS;

function list(stacks) {
  const differing = stacks
    .map((each) => ({ ...each, more: each.slow - each.usual }))
    .sort((one, other) => Math.abs(other.more) - Math.abs(one.more))
    .slice(0, LISTED);
  const rows = differing.map(({ stack, slow, usual, more }) =>
    el(
      "tr",
      {},
      el("td", { title: oneLine(stack.join(" › "), 500) }, name(stack.at(-1), 80), ...above(stack)),
      el("td.number", {}, ms(usual)),
      el("td.number", {}, ms(slow)),
      el("td.number", {}, el("b", {}, more < 0 ? ms(more) : `+${ms(more)}`)),
    ),
  );
  const heads = ["Usual", "Slowest 1 %", "Difference"];
  return el(
    "div.result",
    {},
    el(
      "div.scroll",
      { tabindex: "0", role: "region", "aria-label": "Time by stack" },
      el(
        "table",
        {},
        el(
          "thead",
          {},
          el(
            "tr",
            {},
            el("th", { scope: "col" }, "Waiting in"),
            ...heads.map((text) => el("th.number", { scope: "col" }, text)),
          ),
        ),
        el("tbody", {}, ...rows),
      ),
    ),
  );
}

const above = (stack) =>
  stack.length > 1 ? [" ", el("small", {}, oneLine(stack.slice(0, -1).join(" › "), 120))] : [];
