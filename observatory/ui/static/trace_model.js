// A trace with its view state: collapsed spans, search, logs by span. `place` is the index of a span.

const COLOURS = 8;

export class TraceModel {
  #folded = new Set();
  #after = []; // for each span, the index after its subtree

  constructor(answer) {
    this.id = answer.trace_id;
    this.time = answer.time;
    this.services = answer.services;
    this.duration = Math.max(answer.duration, 1);
    this.spans = answer.spans.map((span) => ({ ...span, status: span.status.toLowerCase() }));
    this.logs = answer.logs;
    this.resources = answer.resources;
    this.critical = answer.critical_path;
    this.truncated = answer.truncated;
    this.total = answer.total_spans;
    this.places = new Map(this.spans.map((span, place) => [span.span_id, place]));
    this.logsOf = Map.groupBy(this.logs, (log) => log.span_id);
    this.#measure();
    this.colours = colours(this.services);
  }

  /** Spans are in depth-first order: a subtree ends at the next span of the same or lower depth. */
  #measure() {
    const open = [];
    this.spans.forEach((span, place) => {
      while (open.length && this.spans[open.at(-1)].depth >= span.depth)
        this.#after[open.pop()] = place;
      open.push(place);
    });
    for (const place of open) this.#after[place] = this.spans.length;
  }

  get root() {
    return this.spans[0];
  }

  get errors() {
    return this.spans.filter(({ status }) => status === "error").length;
  }

  isFolded = (place) => this.#folded.has(place);
  isParent = (place) => this.#after[place] > place + 1;
  within = (place) => this.#after[place] - place - 1;

  /** Indexes of the spans that are not hidden, in order. */
  visible() {
    const shown = [];
    for (let place = 0; place < this.spans.length;) {
      shown.push(place);
      place = this.#folded.has(place) ? this.#after[place] : place + 1;
    }
    return shown;
  }

  fold(place, folded = true) {
    if (folded && this.isParent(place)) this.#folded.add(place);
    else this.#folded.delete(place);
  }

  foldAll(folded) {
    this.#folded.clear();
    if (folded) this.spans.forEach((span, place) => span.depth > 0 && this.fold(place));
  }

  /** Expand all ancestors of a span. */
  reveal(place) {
    for (let above = this.parent(place); above >= 0; above = this.parent(above))
      this.#folded.delete(above);
  }

  parent(place) {
    const { depth } = this.spans[place];
    for (let above = place - 1; above >= 0; above -= 1)
      if (this.spans[above].depth < depth) return above;
    return -1;
  }

  /** Indexes of spans with the text in name, service, id or attributes; null if it is empty. */
  having(text) {
    const wanted = text.trim().toLowerCase();
    if (!wanted) return null;
    const has = (value) => String(value).toLowerCase().includes(wanted);
    const found = this.spans
      .map((span, place) => [span, place])
      .filter(
        ([span]) =>
          has(span.name) ||
          has(span.service) ||
          has(span.span_id) ||
          Object.entries(span.attributes).some(([key, value]) => has(key) || has(value)),
      );
    return found.map(([, place]) => place);
  }

  /** Critical path by operation: [{name, service, place, times, length, share}], longest first. */
  spent() {
    const groups = new Map();
    for (const { span_id: id, length } of this.critical) {
      const place = this.places.get(id);
      if (place === undefined) continue;
      const { name, service } = this.spans[place];
      const key = JSON.stringify([service, name]);
      const group = groups.get(key) ?? { name, service, lengths: new Map(), length: 0 };
      group.length += length;
      group.lengths.set(place, (group.lengths.get(place) ?? 0) + length);
      groups.set(key, group);
    }
    return [...groups.values()]
      .sort((a, b) => b.length - a.length)
      .map(({ lengths, ...group }) => ({
        ...group,
        place: [...lengths].sort(([, a], [, b]) => b - a)[0][0],
        times: lengths.size,
        share: group.length / this.duration,
      }));
  }
}

/** service → colour number: the same in every trace, unless two services of a trace collide. */
function colours(services) {
  const taken = new Map();
  for (const service of services) {
    let number =
      [...service].reduce((sum, letter) => (sum * 31 + letter.codePointAt(0)) % 9973, 7) % COLOURS;
    const used = [...taken.values()];
    while (used.length < COLOURS && used.includes(number)) number = (number + 1) % COLOURS;
    taken.set(service, number);
  }
  return taken;
}
