// Moving through a list by keyboard. One row can be tabbed to, the others are reached by arrows.

/** `list`: the element around the rows; `selector`: what in it takes the focus. */
export class Rows {
  #list;
  #selector;
  /** @type {HTMLElement | null} */
  #current = null;

  constructor(list, selector) {
    this.#list = list;
    this.#selector = selector;
    list.addEventListener("focusin", ({ target }) => {
      const row = target.closest(selector);
      if (row) this.#mark(row);
    });
  }

  #all() {
    return [...this.#list.querySelectorAll(this.#selector)];
  }

  #mark(row) {
    if (this.#current) this.#current.tabIndex = -1;
    row.tabIndex = 0;
    this.#current = row;
  }

  /** After rows came or went: one of them, and only one, can be tabbed to. */
  refresh() {
    if (this.#current?.isConnected && this.#list.contains(this.#current)) return;
    const first = this.#list.querySelector(this.#selector);
    if (first) this.#mark(first);
  }

  /** The row that was last at, again. */
  focus() {
    if (this.#current?.isConnected) this.#current.focus({ preventScroll: true });
  }

  forget() {
    this.#current = null;
  }

  /** Whether the key was one of these. */
  key({ key }) {
    const all = this.#all();
    if (!all.length) return false;
    const at = all.indexOf(document.activeElement?.closest(this.#selector));
    const to = {
      j: at + 1,
      ArrowDown: at + 1,
      k: at - 1,
      ArrowUp: at - 1,
      Home: 0,
      End: all.length - 1,
    }[key];
    if (to === undefined || (at < 0 && ["Home", "End"].includes(key))) return false;
    const row = all[Math.max(0, Math.min(to, all.length - 1))];
    row.focus({ preventScroll: true });
    row.scrollIntoView({ block: "nearest" });
    return true;
  }
}
