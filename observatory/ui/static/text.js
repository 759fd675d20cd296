// How text of unknown origin is shown: what is invisible becomes visible, what turns the direction
// of writing stays inside its own element, what is long is cut.

import { el } from "./dom.js";
import { bytes } from "./format.js";

const INVISIBLE =
  // eslint-disable-next-line no-control-regex -- what is meant
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]/gu;
const LONG = 600;
const LONGER = 8000; // of text that is made for reading, like code
const ONE_LINE = 300;

function named(character) {
  const code = character.codePointAt(0);
  if (code < 0x20) return String.fromCodePoint(0x2400 + code); // ␀ … ␟
  if (code === 0x7f) return "␡";
  return `⟨U+${code.toString(16).toUpperCase().padStart(4, "0")}⟩`;
}

/** The text with its control characters visible; line ends and tabs are kept. */
export const visible = (text) => String(text).replace(INVISIBLE, named);

/** The same in one line, and not longer than fits there. */
export function oneLine(text, most = ONE_LINE) {
  const whole = String(text);
  const cut = whole.length > most ? `${whole.slice(0, most)}…` : whole;
  return visible(cut).replace(/\n/g, "↵").replace(/\t/g, "⇥");
}

/** A name among other text, which it can't rearrange. */
export const name = (text, most) => el("bdi", {}, oneLine(text === "" ? "(empty)" : text, most));

/** Any value of telemetry as text. */
export function asText(value) {
  return typeof value === "string" ? value : (JSON.stringify(value, null, 1) ?? "");
}

/** Text of any length in its own lines; long text is cut until all of it is asked for. */
export function whole(text, tag = "span.value", most = tag === "span.value" ? LONG : LONGER) {
  const element = el(tag, { dir: "auto" });
  if (text.length <= most) {
    element.append(visible(text));
    return element;
  }
  const more = el("button.small", { type: "button" }, `Show all (${bytes(text.length)})`);
  more.onclick = () => element.replaceChildren(visible(text));
  element.append(`${visible(text.slice(0, most))}… `, more);
  return element;
}
