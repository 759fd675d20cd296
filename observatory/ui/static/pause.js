// The button that holds the live view.

import { el, say } from "./dom.js";

/** {element, press(), show(open)}; a range that has ended can't be live. */
export function pauseButton(live) {
  const text = el("span", {}, "Live");
  const button = el(
    "button.live",
    { type: "button", "aria-pressed": "true", "aria-keyshortcuts": "p", title: "Pause (p)" },
    el("i"),
    text,
  );
  const press = () => {
    live.hold(!live.held);
    button.ariaPressed = String(!live.held);
    text.textContent = live.held ? "Paused" : "Live";
    button.title = live.held ? "Go on (p)" : "Pause (p)";
    say(text.textContent);
  };
  button.onclick = press;
  return { element: button, press, show: (open) => (button.hidden = !open) };
}
