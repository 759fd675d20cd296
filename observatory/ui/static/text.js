// Display of untrusted text: invisible characters become visible, bidirectional text is isolated,
// long text is cut.

import { el } from "./dom.js";
import { bytes } from "./format.js";

const INVISIBLE =
  // eslint-disable-next-line no-control-regex -- intended
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]/gu;
const LONG = 600;
const LONGER = 8000; // of preformatted text
const ONE_LINE = 300;

function symbol(character) {
  const code = character.codePointAt(0);
  if (code < 0x20) return String.fromCodePoint(0x2400 + code); // ␀ … ␟
  if (code === 0x7f) return "␡";
  return `⟨U+${code.toString(16).toUpperCase().padStart(4, "0")}⟩`;
}

/** The text with visible control characters, except line feeds and tabs. */
export const visible = (text) => String(text).replace(INVISIBLE, symbol);

/** The same on one line, cut to `most` characters. */
export function oneLine(text, most = ONE_LINE) {
  const whole = String(text);
  const cut = whole.length > most ? `${whole.slice(0, most)}…` : whole;
  return visible(cut).replace(/\n/g, "↵").replace(/\t/g, "⇥");
}

/** A name in its own <bdi>, so that it can't affect the text around it. */
export const name = (text, most) => el("bdi", {}, oneLine(text === "" ? "(empty)" : text, most));

/** An attribute value as text. */
export function asText(value) {
  return typeof value === "string" ? value : (JSON.stringify(value, null, 1) ?? "");
}

/** A block of text; long text is cut, with a button that shows all. */
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
