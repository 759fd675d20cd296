// A dialog with the stored rows of a trace as JSON.

import { fetchJson } from "./api.js";
import { copy, el } from "./dom.js";
import { whole } from "./text.js";

/** Opens the dialog; `traceId` must be valid. */
export async function showRaw(traceId) {
  const address = `/api/traces/${traceId}/raw`;
  const content = el("div.content", { tabindex: "0" }, "Loading …");
  const close = el("button", { type: "button" }, "Close");
  const copying = el("button", { type: "button" }, "Copy");
  const dialog = el(
    "dialog.raw",
    { "aria-label": "Raw trace (JSON)" },
    el(
      "header",
      {},
      el("h2", {}, "Raw trace (JSON)"),
      copying,
      el("a.button", { href: address, download: `trace-${traceId}.json` }, "Download"),
      close,
    ),
    content,
  );
  close.onclick = () => dialog.close();
  dialog.onclick = (event) => event.target === dialog && dialog.close();
  dialog.onclose = () => dialog.remove();
  document.body.append(dialog);
  dialog.showModal();
  try {
    const text = JSON.stringify(await fetchJson(address), null, 2);
    copying.onclick = () => copy(text, copying);
    content.replaceChildren(whole(text, "pre.code"));
  } catch (error) {
    content.replaceChildren(error.message);
  }
}
