// The Compare view: a heat map to choose a region on, what separates it from the rest, groups, and
// where slow requests spend their time.

import { fetchJson, latest } from "./api.js";
import { against, compareQuery, hasBase, hasFilter, own, scopeQuery, select } from "./compare_query.js";
import { announce, el } from "./dom.js";
import { facets } from "./facets.js";
import { filterBar } from "./filters.js";
import { findings } from "./findings.js";
import { timeSpent } from "./flame.js";
import { plural } from "./format.js";
import { groupTable } from "./groups.js";
import { HeatMap } from "./heat_map.js";
import { forApi } from "./range.js";
import { change, params } from "./router.js";
import { now } from "./status.js";

const BY = "route";

export class CompareView {
  name = "compare";
  #loads = latest();

  constructor() {
    this.bar = filterBar(["service", "route", "status", "duration", "attributes"]);
    this.base = baseControl();
    this.heat = new HeatMap((region) => chosen(region));
    this.found = el("section.found", { "aria-labelledby": "found-title" });
    this.groups = part("groups-title");
    this.spent = part("spent-title");
    this.by = groupControl();
    this.element = el(
      "div.view.compare",
      {},
      el("h1.unseen", {}, "Compare"),
      this.bar.element,
      this.base.element,
      this.heat.element,
      this.found,
      el(
        "section",
        { "aria-labelledby": "spent-title" },
        el("h2.part", { id: "spent-title" }, "Where the slowest 1 % spend what usual requests don’t"),
        this.spent,
      ),
      el(
        "section",
        { "aria-labelledby": "groups-title" },
        el("h2.part", { id: "groups-title" }, "Group by"),
        this.by.element,
        this.groups,
      ),
    );
  }

  title = () => "Compare";

  show() {
    this.bar.show();
    this.base.show();
    this.by.show();
    this.#load();
  }

  hide() {
    this.#loads.stop();
  }

  key(event) {
    if (event.key === "/") this.bar.field.focus();
    else return false;
    return true;
  }

  async #load() {
    const signal = this.#loads.next();
    const by = params().get("by") || BY;
    this.element.ariaBusy = "true";
    await Promise.all([
      filled(this.found, signal, () => this.#compare(signal)),
      filled(this.heat.element, signal, async () => {
        const answer = await fetchJson("/api/heatmap", { query: scopeQuery(), signal });
        this.heat.set(answer, region());
      }),
      filled(this.spent, signal, async () =>
        timeSpent(await fetchJson("/api/time-spent", { query: scopeQuery(), signal })),
      ),
      filled(this.groups, signal, async () => [
        groupTable(await fetchJson("/api/groups", { query: scopeQuery({ by }), signal })),
      ]),
    ]);
    if (!signal.aborted) this.element.ariaBusy = "false";
  }

  async #compare(signal) {
    const title = el("h2.part", { id: "found-title" }, "What separates them");
    if (!hasFilter() && !hasBase())
      return [
        title,
        el(
          "p.notice",
          {},
          "Drag over a region of the heat map, or choose a filter: such requests are then compared with all others.",
        ),
      ];
    const answer = await fetchJson("/api/compare", { query: compareQuery(), signal });
    announce(plural(answer.findings.length, "finding"));
    return [title, ...findings(answer)];
  }
}

const part = (id) => el("div", { "aria-labelledby": id });

/** Show what `make` returns in an element, or its error; a heat map draws itself. */
async function filled(element, signal, make) {
  element.ariaBusy = "true";
  try {
    const made = await make();
    if (made) element.replaceChildren(...made);
  } catch (error) {
    if (signal.aborted) return;
    if (element.matches("figure")) announce(error.message);
    else element.replaceChildren(el("p.notice.problem", { role: "alert" }, error.message));
  }
  element.ariaBusy = "false";
}

/** Compare a region of the heat map with the rest of what it shows. */
async function chosen({ from, to, min_ms: least, max_ms: most }) {
  const query = scopeQuery();
  const limits = { min_ms: least, max_ms: most };
  for (const name of ["min_ms", "max_ms"])
    if (limits[name] === null && query.get(name)) limits[name] = Number(query.get(name));
  select({ from, to, ...limits }, await fixedWindow(query));
}

/** The window of the scope, as times: it must not move while it is compared. */
async function fixedWindow(query) {
  if (query.has("from") && query.has("to")) return { from: query.get("from"), to: query.get("to") };
  const to = Number(query.get("to") ?? (await now()));
  const from = Number(query.get("from") ?? to - Number(query.get("last")) * 1000);
  return { from, to };
}

/** The region of the first set within the heat map, if it is one. */
function region() {
  const query = params();
  if (!hasBase()) return null;
  const limit = (key) => (query.get(key) ? Number(query.get(key)) : null);
  const found = { from: limit("from"), to: limit("to"), min_ms: limit("min_ms"), max_ms: limit("max_ms") };
  return Object.values(found).some((each) => each !== null) ? found : null;
}

/** What the requests are compared with. */
function baseControl() {
  const choice = el("select", { "aria-label": "Compared with", name: "base" });
  const field = el("input", {
    type: "text",
    "aria-label": "Attribute of the others",
    placeholder: "attribute of the others, key=value",
    spellcheck: "false",
    hidden: true,
  });
  choice.append(
    new Option("all other requests", "rest"),
    new Option("the same filter in the time before", "before"),
    new Option("requests with another attribute …", "attr"),
    new Option("the rest of the heat map", "region"),
  );
  choice.onchange = async () => {
    field.hidden = choice.value !== "attr";
    if (choice.value === "rest") against([]);
    else if (choice.value === "before") against(await timeBefore());
    else if (choice.value === "attr") field.focus();
  };
  field.onchange = () => against(field.value.trim() ? [["attr", field.value.trim()]] : []);
  const show = () => {
    const kind = kindOfBase();
    choice.value = kind;
    choice.options[3].hidden = kind !== "region";
    field.hidden = kind !== "attr";
    field.value = params().get("base_attr") ?? "";
  };
  return { element: el("div.base", {}, el("label", {}, "Compared with ", choice), field), show };
}

function kindOfBase() {
  const query = params();
  if (!hasBase(query)) return "rest";
  if (query.get("base_attr") && !query.get("base_from")) return "attr";
  const [from, to] = ["from", "base_to"].map((name) => Number(query.get(name)));
  return from && from === to ? "before" : "region";
}

/** The first set's filter in the window that ends where its own begins. */
async function timeBefore() {
  const { from, to } = await fixedWindow(forApi(params()));
  const [start, end] = [Number(from), Number(to)];
  const filters = [...own()].filter(([name]) => !["from", "to", "last", "by"].includes(name));
  change({ from: String(start), to: String(end), last: null }, { replace: true });
  return [...filters, ["from", start - (end - start)], ["to", start]];
}

/** The attribute that requests are grouped by. */
function groupControl() {
  const keys = el("datalist", { id: "group-keys" });
  const field = el("input", {
    type: "text",
    name: "by",
    "aria-label": "Group by",
    placeholder: "attribute, like http.route",
    spellcheck: "false",
    autocomplete: "off",
  });
  field.setAttribute("list", "group-keys");
  field.onchange = () => change({ by: field.value.trim() });
  const show = () => {
    field.value = params().get("by") || BY;
    facets().then(
      (known) =>
        keys.replaceChildren(
          ...["route", "name", "resource.service.version", "resource.service.instance.id", ...known.keys].map(
            (key) => new Option("", key),
          ),
        ),
      () => {},
    );
  };
  return { element: el("div.by", {}, field, keys), show };
}
