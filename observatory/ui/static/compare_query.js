// The two sets of requests in the URL: the first as in other views, the second prefixed with base_.

import { apiQuery } from "./filters.js";
import { forApi } from "./range.js";
import { go, params } from "./router.js";

const BASE = "base_";
const RANGE = ["from", "to", "last"];
const FILTERS = ["service", "route", "status", "min_ms", "max_ms", "attr"];

/** Whether the first set has a filter, so that there is something to compare. */
export const hasFilter = (query = params()) => FILTERS.some((name) => query.get(name));

export const hasBase = (query = params()) => [...query.keys()].some((key) => key.startsWith(BASE));

/** The parameters of /api/compare. */
export function compareQuery() {
  const query = apiQuery();
  for (const [name, value] of params()) if (name.startsWith(BASE) && value) query.append(name, value);
  return query;
}

/** What the second set is chosen from: its own parameters, or else the window of the first. */
export function scope() {
  const found = new URLSearchParams();
  for (const [name, value] of params())
    if (name.startsWith(BASE) && value) found.append(name.slice(BASE.length), value);
  const own = params();
  if (!RANGE.some((name) => found.has(name)))
    for (const name of RANGE) {
      const value = own.get(name);
      if (value) found.set(name, value);
    }
  return found;
}

/** The scope as API parameters; `more`: further ones. */
export function scopeQuery(more = {}) {
  const query = forApi(scope());
  for (const [name, value] of scope()) if (FILTERS.includes(name)) query.append(name, value);
  for (const [name, value] of Object.entries(more)) query.set(name, value);
  return query;
}

/** Compare what has these parameters in addition with the rest of the scope. */
export function select(more, window) {
  const base = scope();
  if (window) {
    base.delete("last");
    for (const [name, value] of Object.entries(window)) base.set(name, String(value));
  }
  const query = new URLSearchParams(base);
  for (const [name, value] of Object.entries(more)) {
    if (name === "attr") query.append(name, value);
    else if (value === null) query.delete(name);
    else query.set(name, String(value));
  }
  if (query.has("from")) query.delete("last");
  for (const [name, value] of base) query.append(`${BASE}${name}`, value);
  go(`/compare?${query}`);
}

/** Set the second set: a list of [name, value] without prefix; empty: all others. */
export function against(pairs) {
  const query = new URLSearchParams(
    [...params()].filter(([name]) => !name.startsWith(BASE)),
  );
  for (const [name, value] of pairs) query.append(`${BASE}${name}`, String(value));
  go(`/compare?${query}`);
}

/** Only the parameters of the first set. */
export function own() {
  return new URLSearchParams([...params()].filter(([name]) => !name.startsWith(BASE)));
}
