// Asking again and again, as long as somebody can see the answer.

/** Calls `work` every `ms` after it was done, while the tab is visible and it is not held. */
export class Live {
  #work;
  #ms;
  #timer = 0;
  #on = false;
  #held = false;
  #busy = false;

  constructor(work, ms) {
    this.#work = work;
    this.#ms = ms;
    document.addEventListener("visibilitychange", () => this.#plan(0));
  }

  get held() {
    return this.#held;
  }

  start() {
    this.#on = true;
    this.#plan(this.#ms);
  }

  stop() {
    this.#on = false;
    clearTimeout(this.#timer);
  }

  hold(held) {
    this.#held = held;
    this.#plan(0);
  }

  #plan(ms) {
    clearTimeout(this.#timer);
    if (!this.#on || this.#held || this.#busy || document.hidden) return;
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
