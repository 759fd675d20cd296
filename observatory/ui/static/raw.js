// A trace as it is stored, to read or to keep.

import { ask } from "./api.js";
import { copy, el } from "./dom.js";
import { whole } from "./text.js";

/** Opens over the page. The id was looked at before. */
export async function showRaw(traceId) {
  const address = `/api/traces/${traceId}/raw`;
  const content = el("div.content", { tabindex: "0" }, "Loading …");
  const close = el("button", { type: "button" }, "Close");
  const copying = el("button", { type: "button" }, "Copy");
  const dialog = el(
    "dialog.raw",
    { "aria-label": "The trace as it is stored" },
    el(
      "header",
      {},
      el("h2", {}, "As it is stored"),
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
    const text = JSON.stringify(await ask(address), null, 2);
    copying.onclick = () => copy(text, copying);
    content.replaceChildren(whole(text, "pre.code"));
  } catch (error) {
    content.replaceChildren(error.message);
  }
}
