// The demo page. The URL holds its state; all data comes from the API. Texts of documents and queries
// are only ever inserted as text nodes (no markup injection).

const GLOSSES = { lexical: "words", dense: "meaning", latent: "subject", topic: "Wikipedia" };
const MISSING = {
  topic_signal: "Wikipedia did not answer; the results are ranked without it.",
  ranking_model: "The trained model could not be used; the results are ranked with fixed weights.",
  results: "There should be results for this question; the catalogue may have lost documents.",
};
const INPUTS = { q: "The question", query: "The question", limit: "The number of results" };
const FIELDS = ["q", "similar", "category", "limit"];
const LONG_TEXT = 900;

/** An element of index.html, which has them all. @param {string} id @returns {any} */
const find = (id) => document.getElementById(id);
const form = find("search");
let running = new AbortController();
/** The timer until the trace is available. @type {number | undefined} */
let waiting;

function make(tag, className = "", text = "") {
  const element = document.createElement(tag);
  element.className = className;
  element.textContent = text;
  return element;
}

const own = (object, key) => (Object.hasOwn(object, key) ? object[key] : undefined);
const signed = (text) => (Number(text) ? text.replace("-", "−") : text.replace("-", ""));
const short = (number) => signed(number.toFixed(3));
const exact = (number) => signed(number.toFixed(6));

// --- the state in the URL

function fromForm() {
  const asked = new URLSearchParams();
  for (const [name, value] of new FormData(form)) {
    const text = String(value).trim();
    if (text) asked.set(name, text);
  }
  if (asked.has("q")) asked.delete("similar");
  if (!asked.has("similar") && !asked.has("q")) asked.set("q", "");
  return asked;
}

function toForm(asked) {
  for (const name of FIELDS) form[name].value = asked.get(name) ?? "";
  const limit = asked.get("limit");
  if (form.limit.selectedIndex < 0) form.limit.add(new Option(limit, limit, false, true));
  form.category.disabled = asked.has("similar"); // the service compares with all documents
}

function go() {
  const asked = `?${fromForm()}`;
  if (asked !== location.search) history.pushState(null, "", asked);
  show();
}

/** Shows the state of the URL. */
function show() {
  const asked = new URLSearchParams(location.search);
  const isQuestion = asked.has("q") || asked.has("similar");
  toForm(asked);
  running.abort();
  running = new AbortController();
  find("problem").textContent = "";
  find("welcome").hidden = isQuestion;
  find("answer").hidden ||= !isQuestion;
  find("main").ariaBusy = String(isQuestion);
  document.title = "Vitrine";
  if (isQuestion) search(asked, running.signal);
}

// --- requests to the service

async function search(asked, signal) {
  const similar = asked.get("similar");
  const path = similar ? `documents/${encodeURIComponent(similar)}/similar` : "recommend";
  try {
    if (asked.get("q") === "") throw new Error("The question is empty; type a few words.");
    draw(await ask(`${path}?${asked}`, { signal }), asked);
  } catch (error) {
    if (signal.aborted) return;
    find("answer").hidden = true;
    find("welcome").hidden = false;
    find("problem").textContent = error.message;
  }
  find("main").ariaBusy = "false";
}

/**
 * The response as JSON. Throws an Error whose message can be shown to the user.
 * @param {string} url
 * @param {RequestInit} options
 */
async function ask(url, options = {}) {
  const response = await fetch(url, options).catch(() => {
    throw new Error("The service cannot be reached. Check that it is running, then try again.");
  });
  const body = await response.json().catch(() => null);
  options.signal?.throwIfAborted();
  if (!response.ok || !body) throw new Error(inWords(body ?? {}, response.status));
  return body;
}

function inWords({ title, detail, errors = [], trace_id: trace }, status) {
  const inputs = errors.map((each) => {
    const name = each.pointer.replace("/", "");
    return `${own(INPUTS, name) ?? `“${name}”`} ${each.detail}.`;
  });
  if (inputs.length) return inputs.join(" ");
  const found = trace && status >= 500 ? ` For details, see trace ${trace}.` : "";
  return title ? `${title}. ${detail}${found}` : `The service sent an invalid response (status ${status}).`;
}

async function suggestCategories() {
  const { categories } = await ask("categories").catch(() => ({ categories: {} }));
  const names = Object.keys(categories).filter(Boolean);
  find("categories").replaceChildren(...names.map((name) => new Option(name)));
}

// --- drawing the answer

function draw(answer, asked) {
  const { query, results, degraded, answered } = answer;
  const scale = Math.max(1, ...results.map(({ reasons }) => peak(reasons)));
  const like = asked.has("similar");
  document.title = `${query.text} – Vitrine`;
  find("heading").replaceChildren(like ? "Similar to “" : "Results for “");
  find("heading").append(make("bdi", "", query.text), "”");
  find("reading").replaceChildren(...(like ? [] : reading(query)));
  find("unknown").replaceChildren(...(like ? [] : notFound(query)));
  find("nearest").hidden = answered !== false || !results.length;
  find("degraded").replaceChildren(
    ...degraded.map((part) => make("li", "", own(MISSING, part) ?? `Ranked without “${part}”.`)),
  );
  drawProvenance(answer);
  find("results").replaceChildren(...results.map((each) => card(each, answer, scale)));
  find("nothing").hidden = results.length > 0;
  find("answer").hidden = false;
  if (document.activeElement === document.body) find("heading").focus(); // the button that had it is gone
}

/** The words that were searched for; a corrected one as “kubernets → kubernetes”. */
function reading({ terms, corrections, unknown }) {
  const elsewhere = new Set([...Object.values(corrections), ...unknown]);
  const plain = terms.filter((term) => !elsewhere.has(term));
  const words = plain.map((term) => make("bdi", "", term));
  for (const [typed, read] of Object.entries(corrections)) {
    words.push(make("bdi", "", `${typed} → `));
    words.at(-1).append(make("strong", "", read));
  }
  return words.flatMap((word, place) => [place ? ", " : "Searched for ", word]);
}

/** The words that no document contains. */
function notFound({ unknown }) {
  const words = unknown.map((word) => make("bdi", "", `“${word}”`));
  return words.flatMap((word, place) => [place ? ", " : "In no document: ", word]);
}

function drawProvenance({ results, took_ms: took, model, recommendation_id: id, trace_id: trace }) {
  const count = results.length === 1 ? "1 result" : `${results.length} results`;
  find("took").textContent = `${count} in ${took < 10 ? took.toFixed(1) : Math.round(took)} ms`;
  find("model").textContent = `ranked by ${model.name} ${model.version}`;
  find("recommendation").textContent = id;
  find("traced").hidden = !trace;
  drawTrace(find("trace"), trace ?? "");
  find("copy").textContent = "Copy";
  const notice = find("nearest");
  find("status").textContent = [notice.hidden ? "" : notice.textContent, find("took").textContent]
    .join(" ")
    .trim();
}

/** The trace's id, as a link to its page if a trace page is configured. */
function drawTrace(link, id) {
  const setting = (name) => document.querySelector(`meta[name=${name}]`)?.getAttribute("content");
  const [pattern, delay] = [setting("trace-url"), Number(setting("trace-delay"))];
  clearTimeout(waiting);
  for (const name of ["href", "role", "tabindex", "aria-disabled"]) link.removeAttribute(name);
  link.textContent = id;
  find("trace-wait").hidden = true;
  if (!pattern || !/^[0-9a-f]{32}$/.test(id)) return;
  const address = pattern.replace("{trace_id}", id);
  if (delay > 0) hold(link, address, performance.now() + 1000 * delay);
  else link.href = address;
}

/** Disables the link until the trace is stored; the link stays focusable. */
function hold(link, address, until) {
  const left = Math.ceil((until - performance.now()) / 1000);
  find("trace-wait").hidden = false;
  find("trace-wait").textContent = left > 0 ? `available in ${left} s` : "available";
  if (left > 0) {
    link.setAttribute("role", "link");
    link.setAttribute("tabindex", "0");
    link.ariaDisabled = "true";
    waiting = setTimeout(hold, until - performance.now() - 1000 * (left - 1), link, address, until);
    return;
  }
  link.href = address;
  for (const name of ["role", "tabindex", "aria-disabled"]) link.removeAttribute(name);
  if (document.activeElement === link) find("status").textContent = "The trace is available.";
}

function copyId() {
  getSelection()?.selectAllChildren(find("recommendation"));
  const copied = document.execCommand("copy"); // navigator.clipboard would need https
  find("copy").textContent = copied ? "Copied" : "Selected";
}

// --- one result

function card(result, answer, scale) {
  const element = find("card").content.firstElementChild.cloneNode(true);
  const part = (selector) => element.querySelector(selector);
  const { rank, score, document: shown, section, reasons } = result;
  const matched = reasons.matched_terms.map((term) => own(answer.query.corrections, term) ?? term);
  part(".rank").append(rank);
  part("h3").append(titleOf(shown, matched));
  part(".score").append(short(score));
  part(".category").textContent = [shown.category, section?.heading].filter(Boolean).join(" › ");
  part(".text").append(...highlighted(shown.text, matched));
  part(".summary").textContent = reasons.summary;
  part(".terms").append(...matched.map((term) => make("li", "", term)));
  drawBar(part(".bar"), score, reasons, scale);
  part(".legend").append(...partsOf(reasons).map(legendEntry));
  drawTable(part("table"), score, reasons);
  fold(part(".text"), part(".more"), shown.text.length > LONG_TEXT);
  connect(element, result, answer);
  return element;
}

function titleOf({ title, url }, matched) {
  const safe = /^https?:\/\//i.test(url);
  const element = make(safe ? "a" : "span");
  if (safe) Object.assign(element, { href: url, rel: "noopener" });
  element.append(...highlighted(title, matched));
  return element;
}

function fold(text, more, long) {
  text.classList.toggle("folded", long);
  more.hidden = !long;
  more.onclick = () => fold(text, more, false);
}

/** What a score is made of: [name, amount]. Legs that took no part are left out. */
/** @returns {[string, number][]} */
function partsOf({ base, contributions, weights }) {
  const legs = Object.keys(weights).filter((leg) => contributions[leg] || weights[leg]);
  /** @type {[string, number][]} */
  const amounts = legs.map((leg) => [leg, contributions[leg]]);
  return base ? [["base", base], ...amounts] : amounts;
}

const peak = (reasons) =>
  partsOf(reasons).reduce((sum, [, amount]) => sum + Math.max(amount, 0), 0);

/** Positive parts are stacked from 0 up; negative ones are drawn below, from the peak back to the score. */
function drawBar(bar, score, reasons, scale) {
  const parts = partsOf(reasons);
  const draw = (className, from, to) => {
    const piece = bar.appendChild(make("span", className));
    piece.style.left = `${(from / scale) * 100}%`;
    piece.style.width = `${((to - from) / scale) * 100}%`;
  };
  if (scale > 1) draw("beyond", 1, scale);
  let at = 0;
  for (const [name, amount] of parts) if (amount > 0) draw(name, at, (at += amount));
  if (parts.some(([, amount]) => amount < 0)) draw("undone", score, at);
  for (const [name, amount] of parts)
    if (amount < 0) draw(`${name} minus`, (at += amount), at - amount);
  const amounts = parts.map(([name, amount]) => `${name} ${short(amount)}`);
  bar.ariaLabel = `Score ${short(score)} of 1: ${amounts.join(", ")}`;
}

function legendEntry([name, amount]) {
  const entry = make("li", `key ${name} ${amount < 0 ? "minus" : ""}`, `${name} `);
  entry.append(make("b", "", short(amount)));
  return entry;
}

function drawTable(table, score, { base, scores, weights, contributions }) {
  const rest = (leg) => scores[leg] * weights[leg] - contributions[leg];
  const legs = Object.keys(scores);
  table.caption.textContent = legs.every((leg) => Math.abs(rest(leg)) < 1e-4)
    ? "Score × weight = contribution; the contributions add up to the score."
    : "The base and the contributions add up to the score. A weight is the influence of a leg " +
      "on the model.";
  /** @type {[string, ...(number | null)[]][]} */
  const rows = legs.map((leg) => [leg, scores[leg], weights[leg], contributions[leg]]);
  if (base) rows.unshift(["base", null, null, base]);
  table.tBodies[0].append(...rows.map(tableRow));
  table.tFoot.querySelector("td").textContent = exact(score);
}

function tableRow([leg, ...numbers]) {
  const row = make("tr");
  const name = row.appendChild(make("th", `key ${leg}`, leg));
  name.scope = "row";
  name.append(make("small", "", ` ${own(GLOSSES, leg) ?? ""}`));
  row.append(...numbers.map((number) => make("td", "", number === null ? "" : exact(number))));
  return row;
}

// --- matched terms in a text, found by an approximation of the service's stemming

const WORD = /[\p{L}\p{N}\p{M}]+(?:[-‐‑'’][\p{L}\p{N}\p{M}]+)*(?:\+\+|#)?/gu;
const JOINERS = /[-‐‑'’]/;
const ENDING = /(?<=..)(?:ations?|ings?|(?<=.{4})ers?|ed|es|(?<!s)s|e|ly)$/;

function root(word) {
  const plain = word.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
  return plain.replace(ENDING, "").replace(/([bdfglmnprt])\1$/, "$1").replace(/y$/, "i");
}

function highlighted(text, terms) {
  const roots = new Set(terms.map(root));
  const nodes = [];
  let done = 0;
  for (const { 0: word, index } of text.matchAll(WORD)) {
    const pieces = word.split(JOINERS);
    if (![pieces.join(""), ...pieces].some((piece) => roots.has(root(piece)))) continue;
    nodes.push(text.slice(done, index), make("mark", "", word));
    done = index + word.length;
  }
  return [...nodes, text.slice(done)];
}

// --- feedback

function connect(element, result, answer) {
  const note = (kind) => give(kind, answer, result, element.querySelector("output"));
  const link = element.querySelector("h3 a");
  link?.addEventListener("click", () => note("click"));
  link?.addEventListener("auxclick", ({ button }) => button === 1 && note("click"));
  for (const button of element.querySelectorAll(".actions button")) {
    button.ariaLabel += `: ${result.document.title}`;
    button.onclick = () => press(button, element, note);
  }
  element.querySelector(".similar").onclick = () => {
    form.q.value = "";
    form.similar.value = result.document.id;
    go();
  };
}

async function give(kind, { recommendation_id }, result, output) {
  const body = JSON.stringify({ recommendation_id, document_id: result.document.id, kind });
  const headers = { "Content-Type": "application/json" };
  try {
    const noted = await ask("feedback", { method: "POST", keepalive: true, headers, body });
    output.textContent = noted.repeated ? "Already noted" : "Noted, thank you";
    return true;
  } catch (error) {
    output.textContent = error.message;
    return false;
  }
}

/** Marks the last button as pressed; a second “Dismiss” only reopens the card. */
async function press(button, element, note) {
  const reopen = element.classList.contains("dismissed") && button.value === "dismiss";
  if (!reopen && !(await note(button.value))) return;
  for (const each of element.querySelectorAll("[aria-pressed]")) each.ariaPressed = "false";
  button.ariaPressed = String(!reopen);
  element.classList.toggle("dismissed", button.value === "dismiss" && !reopen);
}

// --- start

form.onsubmit = (event) => {
  event.preventDefault();
  if (event.submitter?.value) form.q.value = event.submitter.value; // an example
  go();
};
find("filters").onchange = () => location.search && go();
form.category.addEventListener("focus", suggestCategories, { once: true });
find("copy").onclick = copyId;
addEventListener("popstate", show);
addEventListener("keydown", (event) => {
  const typing = event.target instanceof Element && event.target.closest("input, select");
  if (event.key !== "/" || typing || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  form.q.select();
});
show();
