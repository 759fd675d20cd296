// Links to traces and filtered lists. Ids are untrusted: an invalid id gets no link.

export const isTraceId = (text) => /^[0-9a-f]{32}$/i.test(text) && !/^0+$/.test(text);
const isSpanId = (text) => /^[0-9a-f]{16}$/i.test(text) && !/^0+$/.test(text);

/** The path of a trace, with the span if there is one; null if the trace id is invalid. */
export function traceAddress(traceId, spanId = "") {
  if (!isTraceId(traceId ?? "")) return null;
  const address = `/trace/${traceId.toLowerCase()}`;
  return isSpanId(spanId ?? "") ? `${address}?span=${spanId.toLowerCase()}` : address;
}

/** The trace id in a pasted text: an id, or a W3C traceparent; null if there is none. */
export function pastedTraceId(text) {
  const found = /^\s*(?:[0-9a-f]{2}-)?([0-9a-f]{32})(?:-[0-9a-f]{16}-[0-9a-f]{2})?\s*$/i.exec(text);
  return found && isTraceId(found[1]) ? found[1] : null;
}

/** Whether the filter syntax can express the key (it contains no operator). */
export const canBeFilteredBy = (key) => !/[=~]|^!|!$/.test(key);

/** The list of traces or logs with an attribute. All times, because the data shown may be old. */
export function filterAddress(key, value, list = "/traces") {
  return `${list}?${new URLSearchParams({ last: "all", attr: `${key}=${value}` })}`;
}
