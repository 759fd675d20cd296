// An overview of the whole trace: one line per span, and a window that selects the zoom.

import { el } from "./dom.js";
import { colour } from "./plot.js";

const HEIGHT = 44;
const MOST = 2000; // spans

/** {element, draw()}. Drag to zoom, double-click to reset. */
export function minimap(model, timeline) {
  const canvas = el("canvas");
  const pane = el("div.window", { hidden: true });
  const element = el(
    "div.minimap",
    { "aria-hidden": "true", title: "Drag to zoom, double-click to reset" },
    canvas,
    pane,
  );
  const draw = () => {
    paint(canvas, model);
    showWindow(pane, timeline);
  };
  element.onpointerdown = (event) => drag(event, element, pane, timeline);
  element.ondblclick = () => timeline.reset();
  const themed = () => (element.isConnected ? draw() : removeEventListener("themechange", themed));
  new ResizeObserver(() => {
    addEventListener("themechange", themed); // it is removed while the element is detached
    draw();
  }).observe(element);
  return { element, draw };
}

function paint(canvas, { spans, duration, colours }) {
  const width = canvas.clientWidth;
  if (!width) return;
  const scale = devicePixelRatio;
  Object.assign(canvas, { width: width * scale, height: HEIGHT * scale });
  const context = canvas.getContext("2d");
  context.scale(scale, scale);
  const drawn = spans.slice(0, MOST);
  const high = Math.max(1, Math.min(4, Math.floor((HEIGHT - 4) / drawn.length)));
  const ink = new Map();
  for (const number of colours.values()) ink.set(number, colour(`--s${number}`));

  drawn.forEach((span, place) => {
    context.fillStyle = ink.get(colours.get(span.service) ?? 0) ?? "gray";
    const top = 2 + ((HEIGHT - 4 - high) * place) / Math.max(drawn.length - 1, 1);
    context.fillRect(
      (span.offset / duration) * width,
      top,
      Math.max((span.duration / duration) * width, 1),
      high,
    );
  });
}

function showWindow(pane, timeline) {
  pane.hidden = timeline.isWhole;
  pane.style.setProperty("--l", `${(timeline.from / timeline.whole) * 100}%`);
  pane.style.setProperty("--w", `${((timeline.to - timeline.from) / timeline.whole) * 100}%`);
}

function drag(event, element, pane, timeline) {
  if (event.button) return;
  event.preventDefault();
  const box = element.getBoundingClientRect();
  const at = ({ clientX }) => Math.max(0, Math.min(1, (clientX - box.left) / box.width));
  const begun = at(event);
  element.setPointerCapture(event.pointerId);
  const ends = (now) => [Math.min(begun, at(now)), Math.max(begun, at(now))];
  element.onpointermove = (now) => {
    const [left, right] = ends(now);
    pane.hidden = false;
    pane.style.setProperty("--l", `${left * 100}%`);
    pane.style.setProperty("--w", `${(right - left) * 100}%`);
  };
  element.onpointerup = (now) => {
    element.onpointermove = element.onpointerup = null;
    const [left, right] = ends(now);
    if (right - left > 0.005) timeline.zoom(left * timeline.whole, right * timeline.whole);
    else showWindow(pane, timeline);
  };
}
