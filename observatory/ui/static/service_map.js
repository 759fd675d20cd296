// The service map: callers, services and their dependencies, drawn from spans.

import { el, svg } from "./dom.js";
import { duration, percent } from "./format.js";
import { traceAddress } from "./ids.js";
import { oneLine } from "./text.js";

const NARROW = 620; // pixels: below, layers are rows
const NODE = { width: 132, height: 40 };
const NOTABLE = 0.05;
const CALLERS = "callers";
const LABEL_HEIGHT = 34;
const LETTERS = 17;

/** The figure; null without edges. `width`: pixels that there are. */
export function serviceMap(edges, width) {
  const shown = edges.slice(0, 60);
  if (!shown.length) return null;
  const places = layout(layers(shown), width < NARROW);
  const marker = svg(
    "marker.arrow",
    {
      id: "arrow",
      viewBox: "0 0 8 8",
      refX: 8,
      refY: 4,
      markerWidth: 7,
      markerHeight: 7,
      orient: "auto",
    },
    svg("path", { d: "M0 0L8 4L0 8z" }),
  );
  const drawn = shown.map((edge) => edgeOf(edge, places));
  return el(
    "figure.map",
    {},
    el(
      "div.scroll",
      {},
      svg(
        "svg",
        {
          viewBox: `0 0 ${places.width} ${places.height}`,
          width: places.width,
          height: places.height,
          role: "group",
          "aria-label": "Service map",
        },
        svg("defs", {}, marker),
        ...drawn.map(({ line }) => line),
        ...[...places.nodes].map(([key, place]) => node(key, place)),
        ...drawn.map(({ label }) => label),
      ),
    ),
  );
}

const target = (edge) =>
  edge.kind === "service" ? `service ${edge.target}` : `${edge.source} → ${edge.target}`;
const source = (edge) => (edge.source ? `service ${edge.source}` : CALLERS);

/** Keys of nodes by layer: callers, what they call, and so on. A cycle ends at its first node. */
function layers(edges) {
  const depth = new Map([[CALLERS, 0]]);
  const names = new Map([[CALLERS, { text: "callers", kind: "callers" }]]);
  for (const edge of edges) {
    if (edge.source) names.set(source(edge), { text: edge.source, kind: "service" });
    names.set(target(edge), { text: edge.target, kind: edge.kind });
  }
  for (let round = 0; round < names.size; round++)
    for (const edge of edges) {
      const from = depth.get(source(edge)) ?? (round ? 1 : undefined);
      if (from === undefined || (depth.get(target(edge)) ?? -1) > from) continue;
      if (!depth.has(target(edge)) || from + 1 < names.size)
        depth.set(target(edge), Math.min(from + 1, 6));
      if (!depth.has(source(edge))) depth.set(source(edge), from);
    }
  if (!edges.some(({ source: from }) => !from)) names.delete(CALLERS);
  const found = [];
  for (const [key, about] of names) (found[depth.get(key) ?? 1] ??= []).push([key, about]);
  return found.filter(Boolean);
}

function layout(found, isNarrow) {
  const along = isNarrow ? NODE.height + 78 : NODE.width + 150;
  const across = isNarrow ? NODE.width + 28 : NODE.height + 36;
  const most = Math.max(...found.map((layer) => layer.length));
  const nodes = new Map();
  found.forEach((layer, depth) =>
    layer.forEach(([key, about], at) => {
      const middle = (most - layer.length) / 2 + at;
      const [first, second] = [depth * along + 8, middle * across + 12];
      nodes.set(key, { ...about, x: isNarrow ? second : first, y: isNarrow ? first : second });
    }),
  );
  const [long, wide] = [(found.length - 1) * along, (most - 1) * across];
  return {
    nodes,
    isNarrow,
    width: (isNarrow ? wide : long) + NODE.width + 24,
    height: (isNarrow ? long : wide) + NODE.height + 24,
  };
}

function node(key, { text, kind, x, y }) {
  const caption = kind === "service" || kind === "callers" ? null : kind;
  const label = oneLine(text, LETTERS);
  const middle = x + NODE.width / 2;
  const shape = [
    svg("title", {}, kind === "service" ? `Traces of ${oneLine(text, 200)}` : oneLine(text, 200)),
    svg("rect", { x, y, width: NODE.width, height: NODE.height, rx: kind === "database" ? 14 : 6 }),
    svg("text", { x: middle, y: y + (caption ? 18 : 25), "text-anchor": "middle" }, label),
    caption && svg("text.kind", { x: middle, y: y + 32, "text-anchor": "middle" }, caption),
  ];
  if (kind !== "service") return svg(`g.node.${kind}`, {}, ...shape);
  const query = new URLSearchParams({ service: text, last: "900" });
  return svg("a.node.service", { href: `/traces?${query}` }, ...shape);
}

/** The line of an edge, and its label: a link to a trace of it. */
function edgeOf(edge, { nodes, isNarrow }) {
  const [from, to] = [nodes.get(source(edge)), nodes.get(target(edge))];
  const bad = edge.failed / edge.calls >= NOTABLE ? ".bad" : "";
  const half = NODE.width / 2;
  const [x1, y1] = isNarrow
    ? [from.x + half, from.y + NODE.height]
    : [from.x + NODE.width, from.y + NODE.height / 2];
  const [x2, y2] = isNarrow ? [to.x + half, to.y] : [to.x, to.y + NODE.height / 2];
  const [mx, my] = [(x1 + x2) / 2, (y1 + y2) / 2];
  const curve = isNarrow
    ? `M${x1} ${y1}C${x1} ${my} ${x2} ${my} ${x2} ${y2}`
    : `M${x1} ${y1}C${mx} ${y1} ${mx} ${y2} ${x2} ${y2}`;
  const wide = Math.min(5, 1.25 + Math.log10(1 + edge.calls));
  // Near the target, where edges of one source are apart.
  const [lx, ly] = isNarrow ? [x2, y2 - LABEL_HEIGHT / 2 - 12] : [x2 - 74, y2 - 20];
  const perSecond =
    edge.per_second >= 1
      ? `${Number(edge.per_second.toPrecision(3))}/s`
      : `${Number((edge.per_second * 60).toPrecision(3))}/min`;
  const failed = edge.failed ? `${percent(edge.failed / edge.calls)} failed` : "no errors";
  const text = `${oneLine(edge.source || "callers", 60)} to ${oneLine(edge.target, 60)}: ${perSecond}, ${failed}, p95 ${duration(edge.p95)}`;
  return {
    line: svg(`path.edge${bad}`, {
      d: curve,
      "stroke-width": wide.toFixed(1),
      "marker-end": "url(#arrow)",
    }),
    label: svg(
      `a.label${bad}`,
      { href: traceAddress(edge.trace_id) ?? "/traces" },
      svg("title", {}, text),
      svg("rect", {
        x: lx - 56,
        y: ly - LABEL_HEIGHT / 2,
        width: 112,
        height: LABEL_HEIGHT,
        rx: 4,
      }),
      svg(
        "text",
        { x: lx, y: ly - 3, "text-anchor": "middle" },
        `${perSecond} · ${duration(edge.p95)}`,
      ),
      svg("text.failed", { x: lx, y: ly + 11, "text-anchor": "middle" }, failed),
    ),
  };
}
