// Keyboard navigation of a list: one row is in the tab order, arrow keys reach the others.

/** `list`: the container of the rows; `selector`: the focusable element of each row. */
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

  /** Call after rows were added or removed: keeps exactly one in the tab order. */
  refresh() {
    if (this.#current?.isConnected && this.#list.contains(this.#current)) return;
    const first = this.#list.querySelector(this.#selector);
    if (first) this.#mark(first);
  }

  /** Focus the current row. */
  focus() {
    if (this.#current?.isConnected) this.#current.focus({ preventScroll: true });
  }

  forget() {
    this.#current = null;
  }

  /** Handle a key; returns whether it was one of these. */
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
