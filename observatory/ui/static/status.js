// The status line in the footer: size and content of the store.

import { fetchJson } from "./api.js";
import { el, find } from "./dom.js";
import { ago, bytes, count, percent, toMs } from "./format.js";
import { Live } from "./live.js";
import { oneLine } from "./text.js";

const POLL_MS = 10_000;
let end; // of an opened run in nanoseconds; empty: none is opened; undefined: not known yet

/** The time at which ranges without an end do end, in milliseconds: now, or the end of an opened run. */
export async function now() {
  end ??= (await fetchJson("/api/status")).opened?.end ?? "";
  return end ? Math.ceil(toMs(end)) : Date.now();
}

export function watchStatus() {
  show();
  new Live(show, POLL_MS).start();
}

async function show() {
  try {
    const status = await fetchJson("/api/status");
    showOpened(status.opened);
    find("stored").replaceChildren(...parts(status));
  } catch (error) {
    find("stored").textContent = error.message;
  }
}

/** The banner of an exported run, so that it is not taken for what happens now. */
function showOpened(run) {
  const banner = find("opened");
  banner.hidden = !run;
  if (!run) return;
  const [start, end] = [run.start, run.end].map((time) => new Date(toMs(time)).toLocaleString());
  banner.textContent = `Exported run “${oneLine(run.name, 64)}”, ${start} to ${end}. Read-only.`;
}

function parts({
  stored,
  disk_bytes: used,
  disk_limit: most,
  retention_hours: hours,
  oldest,
  version,
}) {
  const share = most ? Math.min(used / most, 1) : 0;
  const retention = hours % 24 ? `${hours} h` : `${hours / 24} d`;
  return [
    el(
      "span",
      {},
      el("span.meter", { "aria-hidden": "true", "--share": String(share) }),
      `${bytes(used)} of ${bytes(most)} (${percent(share)})`,
    ),
    el("span", {}, `${count(stored.spans)} spans`),
    el("span", {}, `${count(stored.logs)} log records`),
    el("span", {}, `${count(stored.points)} metric points`),
    el("span", {}, `retention ${retention}`),
    ...(oldest ? [el("span", {}, `oldest ${ago(toMs(oldest))}`)] : []),
    ...(version ? [el("span", {}, `ClickHouse ${oneLine(version, 40)}`)] : []),
  ];
}
