// Asking the observatory.

/** What went wrong, in words that can be shown. */
export class Problem extends Error {
  constructor(status, title, detail = "") {
    super(detail ? `${title}: ${detail}` : title);
    this.status = status;
    this.title = title;
    this.detail = detail;
  }
}

/**
 * The answer as JSON. Throws a Problem, or what `signal` was aborted with.
 * @param {string} path
 * @param {{signal?: AbortSignal, query?: URLSearchParams, post?: object}} options
 */
export async function ask(path, { signal, query, post } = {}) {
  const address = query?.size ? `${path}?${query}` : path;
  const options = post
    ? {
        method: "POST",
        headers: { "Content-Type": "application/json" },
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
  throw new Problem(response.status, title ?? `No usable answer (${response.status})`, detail);
}

/** Only the last of several questions counts: a new one ends the one before. */
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
