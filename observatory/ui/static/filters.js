// The filter bar above a list. The URL is the state; the bar shows and changes it.

import { attributeField } from "./complete.js";
import { el } from "./dom.js";
import { facets } from "./facets.js";
import { pastedTraceId, traceAddress } from "./ids.js";
import { forApi, rangeControl } from "./range.js";
import { change, go, params } from "./router.js";
import { oneLine } from "./text.js";

const API_PARAMETERS = [
  "service",
  "route",
  "status",
  "min_ms",
  "max_ms",
  "attr",
  "q",
  "severity",
  "sort",
];

/** The API query for the filters in the URL; `more`: further parameters. */
export function apiQuery(more = {}) {
  const query = forApi(params());
  for (const name of API_PARAMETERS)
    for (const value of params().getAll(name)) if (value) query.append(name, value);
  for (const [name, value] of Object.entries(more)) query.set(name, value);
  return query;
}

/**
 * The bar. `parts`: any of service, route, status, duration, attributes, severity; `search`:
 * elements at the start; `tools`: elements at the end.
 * @param {string[]} parts
 * @param {{search?: HTMLElement[], tools?: HTMLElement[]}} options
 */
export function filterBar(parts, { search = [], tools = [] } = {}) {
  const range = rangeControl();
  const made = parts.map((part) => MAKERS[part]());
  const chips = el("ul.chips", { "aria-label": "Filters", hidden: true });
  const end = el("span.tools", {}, ...tools);
  const bar = el(
    "form.filters",
    { role: "search", autocomplete: "off" },
    ...search,
    ...range.elements,
    moreButton(),
    ...made.flatMap(({ elements }) => elements),
    end,
    chips,
  );
  bar.classList.toggle("searched", search.length > 0);
  bar.onsubmit = (event) => event.preventDefault();
  const shown = [range, ...made, { show: () => showChips(chips) }];
  return {
    element: bar,
    field: made.find(({ input }) => input)?.input,
    show: () => shown.forEach((each) => each.show()),
  };
}

/** Shows the filters on a narrow screen, where they are collapsed. */
function moreButton() {
  const button = el("button.more", { type: "button", "aria-expanded": "false" }, "Filters");
  button.onclick = () => {
    const open = button.closest("form").classList.toggle("open");
    button.ariaExpanded = String(open);
  };
  return button;
}

const MAKERS = {
  service: () => choice("service", "Service", "All services", ({ services }) => services),
  route: () => choice("route", "Route", "All routes", ({ routes }) => routes),
  status: () =>
    fixed("status", "Status", [
      ["", "Any status"],
      ["ok", "OK"],
      ["error", "Error"],
      ["degraded", "Degraded"],
    ]),
  sort: () =>
    fixed("sort", "Sort", [
      ["", "Newest first"],
      ["duration", "Slowest first"],
    ]),
  severity: () =>
    fixed("severity", "Minimum severity", [
      ["", "Any severity"],
      ["debug", "Debug +"],
      ["info", "Info +"],
      ["warn", "Warning +"],
      ["error", "Error"],
    ]),
  duration: durations,
  attributes,
};

/** A select with values from the store. */
function choice(name, label, none, pick) {
  const select = el("select", { name, "aria-label": label });
  select.onchange = () => change({ [name]: select.value });
  const fill = (known) => {
    const chosen = params().get(name) ?? "";
    const values = chosen && !known.includes(chosen) ? [chosen, ...known] : known;
    const options = values.map((value) => new Option(oneLine(value, 60), value));
    select.replaceChildren(new Option(none, ""), ...options);
    select.value = chosen;
    select.classList.toggle("set", chosen !== "");
  };
  let known = [];
  const show = () => {
    fill(known);
    facets().then(
      (all) => fill((known = pick(all))),
      () => {},
    );
  };
  return { elements: [select], show };
}

function fixed(name, label, choices) {
  const select = el("select", { name, "aria-label": label });
  select.append(...choices.map(([value, text]) => new Option(text, value)));
  select.onchange = () => change({ [name]: select.value });
  const show = () => {
    select.value = params().get(name) ?? "";
    select.classList.toggle("set", select.value !== "");
  };
  return { elements: [select], show };
}

function durations() {
  const ends = [
    ["min_ms", "Minimum duration in ms", "min"],
    ["max_ms", "Maximum duration in ms", "max"],
  ];
  const inputs = ends.map(([name, label, placeholder]) => {
    const input = el("input", {
      name,
      type: "text",
      inputmode: "decimal",
      placeholder,
      "aria-label": label,
    });
    input.onchange = () => change({ [name]: input.value.trim().replace(",", ".") });
    return input;
  });
  const show = () => inputs.forEach((input) => (input.value = params().get(input.name) ?? ""));
  return { elements: [el("span.between", {}, inputs[0], "–", inputs[1], "ms")], show };
}

function attributes() {
  const { element, input } = attributeField((filter) => {
    const trace = pastedTraceId(filter);
    const duration = durationTest(filter);
    if (trace) go(traceAddress(trace));
    else if (duration) change(duration);
    else change({ attr: [...new Set([...params().getAll("attr"), filter])] });
  });
  return { elements: [element, el("kbd", { "aria-hidden": "true" }, "/")], show: () => {}, input };
}

const MILLISECONDS = { ns: 1e-6, us: 1e-3, µs: 1e-3, ms: 1, s: 1000, min: 60_000 };

/** `duration>5`, `duration <= 1.5 s` as parameters; without a unit: milliseconds. */
function durationTest(text) {
  const found = /^duration\s*([<>])=?\s*([\d.]+)\s*(ns|us|µs|ms|s|min)?$/i.exec(text);
  const value = found && Number(found[2]) * MILLISECONDS[(found[3] ?? "ms").toLowerCase()];
  if (!found || !Number.isFinite(value)) return null;
  return { [found[1] === ">" ? "min_ms" : "max_ms"]: String(value) };
}

function showChips(chips) {
  const filters = params().getAll("attr");
  chips.hidden = filters.length === 0;
  chips.replaceChildren(
    ...filters.map((filter) => {
      const text = oneLine(filter, 120);
      const close = el("button", { type: "button", "aria-label": `Remove filter ${text}` }, "×");
      close.onclick = () =>
        change({
          attr: params()
            .getAll("attr")
            .filter((each) => each !== filter),
        });
      return el("li.chip", {}, el("bdi", {}, text), close);
    }),
  );
}
