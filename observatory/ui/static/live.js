// Polling for live views, and the button that pauses it.

import { el, announce } from "./dom.js";

/** Calls `work` again `ms` after it has finished, while the tab is visible and it is not paused. */
export class Live {
  #work;
  #ms;
  #timer = 0;
  #on = false;
  #paused = false;
  #busy = false;

  constructor(work, ms) {
    this.#work = work;
    this.#ms = ms;
    document.addEventListener("visibilitychange", () => this.#plan(0));
  }

  get paused() {
    return this.#paused;
  }

  start() {
    this.#on = true;
    this.#plan(this.#ms);
  }

  stop() {
    this.#on = false;
    clearTimeout(this.#timer);
  }

  setPaused(paused) {
    this.#paused = paused;
    this.#plan(0);
  }

  #plan(ms) {
    clearTimeout(this.#timer);
    if (!this.#on || this.#paused || this.#busy || document.hidden) return;
    this.#timer = setTimeout(() => this.#run(), ms);
  }

  async #run() {
    this.#busy = true;
    try {
      await this.#work();
    } finally {
      this.#busy = false;
      this.#plan(this.#ms);
    }
  }
}

/** {element, press(), start(open)}; for a time range that has ended, hidden and without polling. */
export function pauseButton(live) {
  const text = el("span", {}, "Live");
  const button = el(
    "button.live",
    { type: "button", "aria-pressed": "true", "aria-keyshortcuts": "p", title: "Pause (p)" },
    el("i"),
    text,
  );
  const press = () => {
    live.setPaused(!live.paused);
    button.ariaPressed = String(!live.paused);
    text.textContent = live.paused ? "Paused" : "Live";
    button.title = live.paused ? "Resume (p)" : "Pause (p)";
    announce(text.textContent);
  };
  button.onclick = press;
  const start = (open) => {
    button.hidden = !open;
    if (open) live.start();
    else live.stop();
  };
  return { element: button, press, start };
}
