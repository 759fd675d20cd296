// "Time spent": the operations on the critical path with their shares, as a bar and a list.

import { el } from "./dom.js";
import { duration, percent } from "./format.js";
import { name, oneLine } from "./text.js";

const NAMED = 6;

/** The element; calls `select(place)` with the index of a span when its entry is clicked. */
export function timeSpent(model, select) {
  const spent = model.spent();
  if (!spent.length) return null;
  const shown = spent.slice(0, NAMED);
  const rest = spent.slice(NAMED).reduce((sum, { share }) => sum + share, 0);
  const pieces = shown.map((part, place) => piece(part, place));
  if (rest > 0) pieces.push(el("i.rest", { "--share": String(rest) }));
  const entries = shown.map((part, place) => entry(part, place, model, select));
  if (rest > 0.0005) entries.push(el("li.key.rest", {}, "others ", el("b", {}, percent(rest))));
  return el(
    "section.spent",
    { "aria-labelledby": "spent-title" },
    el("h2", { id: "spent-title" }, "Time spent on the critical path"),
    el("div.stack", { "aria-hidden": "true" }, ...pieces),
    el("ol", {}, ...entries),
  );
}

const piece = ({ share, name: called }, place) =>
  el(`i.p${place}`, {
    "--share": String(share),
    title: `${oneLine(called, 80)} ${percent(share)}`,
  });

function entry({ name: called, service, place, times, share, length }, at, model, select) {
  const button = el(
    "button.plain",
    {
      type: "button",
      title: `${oneLine(service, 60)}: ${duration(length)} self time on the critical path`,
    },
    name(called, 60),
    times > 1 ? ` ×${times}` : null,
    " ",
    el("b", {}, percent(share)),
  );
  button.onclick = () => select(place);
  return el(`li.key.p${at}`, {}, button);
}
