// A field with autocompletion for an attribute filter: first the key, then the value. It follows the
// ARIA combobox pattern: the focus stays in the field (aria-activedescendant).

import { el } from "./dom.js";
import { facets, valuesOf } from "./facets.js";
import { count } from "./format.js";
import { canBeFilteredBy, pastedTraceId } from "./ids.js";
import { oneLine } from "./text.js";

const MOST = 12;
const OPERATOR = /^(.+?)(!=|=|~)(.*)$/s;
let made = 0;

/** The field. `take(filter)` is called with "key", "key=value", "key!=value" or "key~part". */
export function attributeField(take) {
  const id = `suggestions-${++made}`;
  const list = el("ul.suggestions", {
    id,
    role: "listbox",
    "aria-label": "Suggestions",
    hidden: true,
  });
  const input = el("input", {
    type: "text",
    role: "combobox",
    placeholder: "Attribute=…, or a trace id",
    spellcheck: "false",
    autocomplete: "off",
    autocapitalize: "off",
    "aria-label": "Filter by attribute",
    "aria-autocomplete": "list",
    "aria-expanded": "false",
    "aria-controls": id,
    dir: "auto",
  });
  const field = new Field(input, list, take);
  input.oninput = () => field.suggest();
  input.onfocus = () => field.suggest();
  input.onblur = () => field.close();
  input.onkeydown = (event) => field.key(event);
  list.onpointerdown = (event) => field.pick(event);
  return { element: el("span.combobox", {}, input, list), input };
}

class Field {
  #at = -1;
  #options = [];

  constructor(input, list, take) {
    this.input = input;
    this.list = list;
    this.take = take;
  }

  async suggest() {
    const typed = this.input.value;
    const found = await suggestions(typed).catch(() => []);
    if (typed !== this.input.value || document.activeElement !== this.input) return; // the input has changed
    this.#options = found;
    this.#at = -1;
    this.list.replaceChildren(...found.map((each, place) => this.#option(each, place)));
    this.#open(found.length > 0);
  }

  #option({ text, count: times }, place) {
    const properties = { role: "option", id: `${this.list.id}-${place}`, "aria-selected": "false" };
    const note = times === undefined ? null : el("small", {}, count(times));
    return el("li", { ...properties, "data-place": place }, el("bdi", {}, oneLine(text, 80)), note);
  }

  #open(open) {
    this.list.hidden = !open;
    this.input.ariaExpanded = String(open);
    this.input.removeAttribute("aria-activedescendant");
  }

  close() {
    this.#open(false);
  }

  #point(to) {
    const options = this.list.children;
    if (options[this.#at]) options[this.#at].ariaSelected = "false";
    this.#at = (to + options.length) % options.length;
    options[this.#at].ariaSelected = "true";
    options[this.#at].scrollIntoView({ block: "nearest" });
    this.input.setAttribute("aria-activedescendant", options[this.#at].id);
  }

  key(event) {
    const open = !this.list.hidden;
    if (event.key === "ArrowDown" && open) this.#point(this.#at + 1);
    else if (event.key === "ArrowUp" && open) this.#point(this.#at < 0 ? -1 : this.#at - 1);
    else if (event.key === "Enter") this.#enter();
    else if (event.key === "Tab" && open && this.#at >= 0) this.#choose(this.#options[this.#at]);
    else if (event.key === "Escape" && open) this.close();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  pick(event) {
    event.preventDefault(); // the focus stays in the field
    const option = event.target.closest("li");
    if (option) this.#choose(this.#options[Number(option.dataset.place)]);
  }

  #enter() {
    if (this.#at >= 0 && !this.list.hidden) this.#choose(this.#options[this.#at]);
    else this.#done(this.input.value.trim());
  }

  /** A chosen key continues with its values; a chosen value completes the filter. */
  #choose({ full, ends }) {
    if (ends) return this.#done(full);
    this.input.value = full;
    this.suggest();
  }

  #done(filter) {
    if (!filter) return;
    this.input.value = "";
    this.close();
    this.take(filter);
  }
}

/** [{text, full, ends, count}]: label, new content of the field, whether the filter is complete. */
async function suggestions(typed) {
  if (pastedTraceId(typed) || /^duration\s*[<>]/i.test(typed)) return [];
  const parts = OPERATOR.exec(typed);
  if (!parts) {
    const { keys } = await facets();
    return matching(["name", ...keys.filter(canBeFilteredBy)], typed, String).map((key) => ({
      text: key,
      full: `${key}=`,
      ends: false,
    }));
  }
  const [, key, operator, prefix] = parts;
  if (operator === "~") return [];
  const values = await valuesOf(key.trim());
  return matching(values, prefix, ({ value }) => String(value)).map(({ value, count: times }) => ({
    text: String(value),
    full: `${key.trim()}${operator}${value}`,
    ends: true,
    count: times,
  }));
}

/** Items that contain the typed text; those that start with it come first. */
function matching(all, typed, text) {
  const wanted = typed.trim().toLowerCase();
  const found = all.filter((each) => text(each).toLowerCase().includes(wanted));
  const begins = (each) => text(each).toLowerCase().startsWith(wanted);
  return [...found.filter(begins), ...found.filter((each) => !begins(each))].slice(0, MOST);
}
