// The only place where elements are made. Telemetry is whatever anyone sent: it gets into the page
// as text nodes and as the attributes below, never as markup, never as an address.

const ATTRIBUTES =
  /^(?:class|id|role|title|type|for|value|name|placeholder|dir|tabindex|scope|colspan|hidden|disabled|selected|checked|download|spellcheck|rows|inputmode|autocomplete|autocapitalize|datetime|aria-[a-z]+|data-[a-z-]+)$/;

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
    throw new Error(`no element gets ${key}`);
  }
}

/** An address on this page's own host. */
function ours(address) {
  if (!/^\/(?![/\\])/.test(address)) throw new Error("links lead to this page's own host only");
  return address;
}

const SVG = "http://www.w3.org/2000/svg";

/** A small drawing from constant paths. */
export function icon(path, viewBox = "0 0 16 16") {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", viewBox);
  svg.setAttribute("aria-hidden", "true");
  svg.classList.add("icon");
  const line = svg.appendChild(document.createElementNS(SVG, "path"));
  line.setAttribute("d", path);
  return svg;
}

/** An element of index.html, which has them all. @param {string} id @returns {any} */
export const find = (id) => document.getElementById(id);

/** Told to those who listen rather than look. */
export function say(text) {
  find("said").textContent = text;
}

/** Puts text on the clipboard and says so on the button. */
export async function copy(text, button) {
  const before = button.textContent;
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
  } catch {
    button.textContent = copiedBySelection(text) ? "Copied" : "Can’t copy";
  }
  say(button.textContent);
  setTimeout(() => (button.textContent = before), 1500);
}

/** The old way: navigator.clipboard needs https or localhost. */
function copiedBySelection(text) {
  const area = document.body.appendChild(el("textarea.unseen"));
  area.value = text;
  area.select();
  const copied = document.execCommand("copy");
  area.remove();
  return copied;
}
