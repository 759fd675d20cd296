// The SQL view: reports and free queries.

import { fetchJson, latest } from "./api.js";
import { el, announce } from "./dom.js";
import { bytes, count, duration, plural } from "./format.js";
import { change, params } from "./router.js";
import { copyButton, resultTable } from "./result_table.js";
import { oneLine } from "./text.js";

const LONGEST_LINK = 6000; // characters of a query that fit into the URL
const FIRST = "SHOW TABLES";
const WELCOME =
  "Choose a report or write a query: `SHOW TABLES` lists the tables, `DESCRIBE spans` the columns of one.";

export class SqlView {
  name = "sql";
  /** @type {any[] | null} */
  #reports = null;
  /** @type {string | null} */
  #shown = null;
  #runs = latest();

  constructor() {
    this.list = el("ul.reports", { "aria-label": "Reports" });
    this.editor = el("textarea.code", {
      "aria-label": "Query",
      spellcheck: "false",
      autocapitalize: "off",
      autocomplete: "off",
      rows: "9",
    });
    this.editor.onkeydown = (event) => this.#key(event);
    this.run = el("button.main", { type: "button" }, "Run");
    this.run.onclick = () => this.#keepAndRun();
    this.about = el("p.about");
    this.facts = el("p.facts", { role: "status" });
    this.answer = el("div.answer");
    const hint = el(
      "span.quiet.hint",
      {},
      el("kbd", {}, "Ctrl"),
      " ",
      el("kbd", {}, "Enter"),
      " runs · ",
      el("kbd", {}, "Esc"),
      " then ",
      el("kbd", {}, "Tab"),
      " leaves the field",
    );
    this.element = el(
      "div.view.sql",
      {},
      el("h1.unseen", {}, "SQL"),
      el("nav", { "aria-label": "Reports" }, el("h2", {}, "Reports"), this.list),
      el(
        "div.work",
        {},
        this.about,
        this.editor,
        el("div.row", {}, this.run, hint, this.facts),
        this.answer,
      ),
    );
  }

  title = () => "SQL";

  async show() {
    this.#reports ??= await fetchJson("/api/reports").catch(() => null);
    this.#listReports();
    this.element.ariaBusy = "false";
    if (location.search === this.#shown) return;
    this.#shown = location.search;
    const report = this.#reports?.find(({ name }) => name === params().get("report"));
    this.about.replaceChildren(...withCode(report?.about ?? WELCOME));
    this.editor.value = report?.sql ?? params().get("q") ?? FIRST;
    this.editor.rows = Math.min(Math.max(this.editor.value.split("\n").length + 1, 6), 12);
    this.#clear();
    // Only reports run at once: a query in the URL may come from someone else.
    if (report) this.#fetchJson();
  }

  hide() {
    this.#runs.stop();
    this.run.disabled = false;
  }

  key({ key }) {
    if (key === "/") this.editor.focus();
    else return this.#moveInReports(key);
    return true;
  }

  /** Move up and down in the list of reports. */
  #moveInReports(key) {
    const links = [...this.list.querySelectorAll("a")];
    const step = { j: 1, ArrowDown: 1, k: -1, ArrowUp: -1 }[key];
    const at = links.indexOf(document.activeElement);
    if (!step || !links.length || (at < 0 && key.startsWith("Arrow"))) return false;
    links[Math.max(0, Math.min(at + step, links.length - 1))].focus();
    return true;
  }

  #listReports() {
    const chosen = params().get("report");
    const entries = (this.#reports ?? []).map(({ name, title, about }) => {
      const current = name === chosen ? "true" : null;
      return el(
        "li",
        {},
        el(
          "a",
          {
            href: `/sql?${new URLSearchParams({ report: name })}`,
            "aria-current": current,
            title: about,
          },
          title || name,
        ),
      );
    });
    const at = [...this.list.querySelectorAll("a")].indexOf(document.activeElement);
    this.list.replaceChildren(...entries);
    this.list.querySelectorAll("a")[at]?.focus();
  }

  #key(event) {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) this.#keepAndRun();
    else if (event.key === "Tab" && !event.shiftKey)
      this.editor.setRangeText("  ", this.editor.selectionStart, this.editor.selectionEnd, "end");
    else return;
    event.preventDefault();
  }

  #keepAndRun() {
    const query = this.editor.value;
    const report = this.#reports?.find(({ sql }) => sql === query);
    const parameters = report
      ? { report: report.name, q: null }
      : { q: query.length <= LONGEST_LINK ? query : null, report: null };
    this.#shown = queryString(parameters);
    change(parameters, { replace: this.#shown === location.search });
    this.#fetchJson();
  }

  #clear() {
    this.#runs.stop();
    this.run.disabled = false;
    this.facts.replaceChildren();
    this.answer.replaceChildren();
  }

  async #fetchJson() {
    const signal = this.#runs.next();
    this.run.disabled = true;
    this.answer.ariaBusy = "true";
    this.facts.textContent = "Running …";
    try {
      this.#draw(await fetchJson("/api/sql", { post: { query: this.editor.value }, signal }));
    } catch (error) {
      if (signal.aborted) return;
      this.facts.replaceChildren();
      this.answer.replaceChildren(problem(error));
    }
    this.run.disabled = false;
    this.answer.ariaBusy = "false";
  }

  #draw(answer) {
    const { rows, truncated, seconds, rows_read: read, bytes_read: size } = answer;
    const summary = `${plural(rows.length, "row")} in ${duration(seconds * 1e9)}, ${count(read)} rows (${bytes(size)}) read`;
    this.facts.replaceChildren(summary, " ", copyButton(answer));
    announce(summary);
    const cut = truncated
      ? el("p.notice", {}, `Only the first ${count(rows.length)} rows are shown.`)
      : null;
    this.answer.replaceChildren(...[cut, resultTable(answer)].filter(Boolean));
  }
}

/** Text between backticks becomes <code>. */
const withCode = (text) =>
  text.split("`").map((part, at) => (at % 2 ? el("code", {}, part) : part));

function queryString(parts) {
  const query = new URLSearchParams();
  for (const [key, value] of Object.entries(parts)) if (value) query.set(key, value);
  return query.size ? `?${query}` : "";
}

function problem({ title, detail }) {
  return el(
    "div.notice.problem",
    { role: "alert" },
    el("b", {}, oneLine(title, 200)),
    el("pre.code", {}, detail ?? ""),
  );
}
