// Client of the JSON API.

/** An error with a message for the user. */
class Problem extends Error {
  constructor(status, title, detail = "") {
    super(detail ? `${title}: ${detail}` : title);
    this.status = status;
    this.title = title;
    this.detail = detail;
  }
}

/**
 * Fetch JSON. Throws a Problem, or the abort reason of `signal`.
 * @param {string} path
 * `token`: sent as the bearer token of a POST.
 * @param {{signal?: AbortSignal, query?: URLSearchParams, post?: object, token?: string}} options
 */
export async function fetchJson(path, { signal, query, post, token } = {}) {
  const address = query?.size ? `${path}?${query}` : path;
  const options = post
    ? {
        method: "POST",
        headers: {
          "Content-Type": "application/json",
          ...(token ? { Authorization: `Bearer ${token}` } : {}),
        },
        body: JSON.stringify(post),
      }
    : {};
  const response = await fetch(address, { ...options, signal }).catch(() => {
    signal?.throwIfAborted();
    throw new Problem(0, "The observatory can’t be reached", "is it still running?");
  });
  const body = await response.json().catch(() => null);
  signal?.throwIfAborted();
  if (response.ok && body !== null) return body;
  const { title, detail } = body ?? {};
  throw new Problem(response.status, title ?? `Invalid response (${response.status})`, detail);
}

/** Each call of `next()` aborts the previous request and returns the signal of the new one. */
export function latest() {
  let running = new AbortController();
  return {
    next() {
      running.abort();
      running = new AbortController();
      return running.signal;
    },
    stop: () => running.abort(),
  };
}
