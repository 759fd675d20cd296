// Addresses are made of ids that were looked at: an id is hexadecimal, or there is no link.

export const isTraceId = (text) => /^[0-9a-f]{32}$/i.test(text) && !/^0+$/.test(text);
export const isSpanId = (text) => /^[0-9a-f]{16}$/i.test(text) && !/^0+$/.test(text);

/** The address of a trace, at a span where there is one; null where it is no trace's id. */
export function traceAddress(traceId, spanId = "") {
  if (!isTraceId(traceId ?? "")) return null;
  const address = `/trace/${traceId.toLowerCase()}`;
  return isSpanId(spanId ?? "") ? `${address}?span=${spanId.toLowerCase()}` : address;
}

/** Whether a filter can name the key: one with an operator in it would be read as another. */
export const canBeFilteredBy = (key) => !/[=~]|^!|!$/.test(key);

/** The list, of traces or logs, that have an attribute; of all times, for what is looked at may be old. */
export function filterAddress(key, value, list = "/") {
  return `${list}?${new URLSearchParams({ last: "all", attr: `${key}=${value}` })}`;
}
