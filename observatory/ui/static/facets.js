// Filter values from the store, cached briefly because each keystroke needs them.

import { fetchJson } from "./api.js";
import { forApi } from "./range.js";
import { params } from "./router.js";

const FRESH_MS = 15_000;
const cache = new Map();

async function cached(path, query) {
  const key = `${path}?${query}`;
  const found = cache.get(key);
  if (found && performance.now() - found.at < FRESH_MS) return found.answer;
  const answer = fetchJson(path, { query });
  cache.set(key, { answer, at: performance.now() });
  answer.catch(() => cache.delete(key));
  return answer;
}

/** {services, routes, keys} in the selected time range. */
export const facets = () => cached("/api/facets", forApi(params()));

/** [{value, count}] of an attribute, most frequent first. */
export async function valuesOf(key) {
  const query = forApi(params());
  query.set("key", key);
  return (await cached("/api/facets/values", query)).values;
}
