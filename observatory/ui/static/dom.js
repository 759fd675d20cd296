// The only module that creates elements. Telemetry is untrusted: it is inserted as text nodes and as
// the attributes below, never as markup or as a URL.

const ATTRIBUTES =
  /^(?:class|id|role|title|type|for|value|name|placeholder|dir|tabindex|scope|colspan|hidden|open|disabled|selected|checked|download|spellcheck|rows|inputmode|autocomplete|autocapitalize|datetime|aria-[a-z]+|data-[a-z-]+)$/;

/** el("li.row.current", { title: "…", onclick }, child, "text", …); null children are left out. */
export function el(tag, properties = {}, ...children) {
  const [name, ...classes] = tag.split(".");
  const element = document.createElement(name);
  if (classes.length) element.className = classes.join(" ");
  for (const [key, value] of Object.entries(properties)) set(element, key, value);
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

function set(element, key, value) {
  if (value === null || value === undefined || value === false) return;
  if (typeof value === "function" && key.startsWith("on")) {
    element.addEventListener(key.slice(2), value);
  } else if (key === "href") {
    element.setAttribute("href", ours(value));
  } else if (key.startsWith("--")) {
    element.style.setProperty(key, value);
  } else if (ATTRIBUTES.test(key)) {
    element.setAttribute(key, value === true ? "" : value);
  } else {
    throw new Error(`attribute not allowed: ${key}`);
  }
}

/** Accepts only paths on this host. */
function ours(address) {
  if (!/^\/(?![/\\])/.test(address)) throw new Error("links must be paths on this host");
  return address;
}

const SVG = "http://www.w3.org/2000/svg";
const DRAWN =
  /^(?:viewBox|width|height|x|y|x1|x2|y1|y2|dx|dy|r|rx|d|points|refX|refY|orient|markerWidth|markerHeight|marker-end|text-anchor|stroke-width|preserveAspectRatio)$/;

/** An SVG element; `properties`: its attributes, `href` and event handlers as for `el`. */
export function svg(tag, properties = {}, ...children) {
  const [name, ...classes] = tag.split(".");
  const element = document.createElementNS(SVG, name);
  if (classes.length) element.setAttribute("class", classes.join(" "));
  for (const [key, value] of Object.entries(properties)) {
    if (DRAWN.test(key)) element.setAttribute(key, String(value));
    else set(element, key, value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

/** An element of index.html, by id. @param {string} id @returns {any} */
export const find = (id) => document.getElementById(id);

/** Announce a text to screen readers. */
export function announce(text) {
  find("announcement").textContent = text;
}

/** Copy text to the clipboard and confirm on the button. */
export async function copy(text, button) {
  const before = button.textContent;
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
  } catch {
    button.textContent = copiedBySelection(text) ? "Copied" : "Can’t copy";
  }
  announce(button.textContent);
  setTimeout(() => (button.textContent = before), 1500);
}

/** Fallback: navigator.clipboard needs HTTPS or localhost. */
function copiedBySelection(text) {
  const area = document.body.appendChild(el("textarea.unseen"));
  area.value = text;
  area.select();
  const copied = document.execCommand("copy");
  area.remove();
  return copied;
}
