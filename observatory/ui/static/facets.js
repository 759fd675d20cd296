// What can be filtered by, as the store knows it. Kept for a while: asked for while one types.

import { ask } from "./api.js";
import { forApi } from "./range.js";
import { params } from "./router.js";

const FRESH_MS = 15_000;
const kept = new Map();

async function fresh(path, query) {
  const key = `${path}?${query}`;
  const found = kept.get(key);
  if (found && performance.now() - found.at < FRESH_MS) return found.answer;
  const answer = ask(path, { query });
  kept.set(key, { answer, at: performance.now() });
  answer.catch(() => kept.delete(key));
  return answer;
}

/** {services, routes, keys} in the range of the address. */
export const facets = () => fresh("/api/facets", forApi(params()));

/** [{value, count}] of an attribute, the most frequent first. */
export async function valuesOf(key) {
  const query = forApi(params());
  query.set("key", key);
  return (await fresh("/api/facets/values", query)).values;
}
