// The zoomed time range of a trace, and positions in it.

export class Timeline {
  /** `whole`: nanoseconds; `changed()` is called after each zoom. */
  constructor(whole, changed) {
    this.whole = whole;
    this.changed = changed;
    this.from = 0;
    this.to = whole;
  }

  get isWhole() {
    return this.from === 0 && this.to === this.whole;
  }

  zoom(from, to) {
    const least = Math.max(this.whole / 1e6, 1);
    this.from = Math.max(0, Math.min(from, this.whole - least));
    this.to = Math.min(this.whole, Math.max(to, this.from + least));
    this.changed();
  }

  reset() {
    this.zoom(0, this.whole);
  }

  /** A share of the width; below 0 or above 1 if outside of the range. */
  at = (offset) => (offset - this.from) / (this.to - this.from);

  /** {"--l", "--w"} of an interval; null if outside of the range. */
  piece(offset, length) {
    const [left, right] = [this.at(offset), this.at(offset + length)];
    if (right < 0 || left > 1) return null;
    const [start, end] = [Math.max(left, 0), Math.min(right, 1)];
    return { "--l": share(start), "--w": share(end - start) };
  }

  /** {"--l"} of a point in time; null if outside of the range. */
  point(offset) {
    const left = this.at(offset);
    return left < 0 || left > 1 ? null : { "--l": share(left) };
  }
}

const share = (number) => `${(number * 100).toFixed(4)}%`;
