// Where each row of a log panel stands. Rows are as high as a line, some are higher (wrapped); only those that were seen
// are known to be. A row is {part, place}, place 0 for a section's heading.
export const LINE_HEIGHT = 20;
export const HEADING_HEIGHT = 32;

/** What rows are higher than a line, by place: sums in logarithmic time (a Fenwick tree). */
class Extras {
  constructor() {
    this.known = new Map();
    this.tree = new Float64Array(1024);
    this.total = 0;
  }

  set(place, extra) {
    const change = extra - (this.known.get(place) ?? 0);
    if (!change) return 0;
    this.known.set(place, extra);
    this.total += change;
    if (place >= this.tree.length) this.grow(place);
    else this.add(place, change);
    return change;
  }

  add(place, change) {
    for (let at = place; at < this.tree.length; at += at & -at) this.tree[at] += change;
  }

  grow(place) {
    this.tree = new Float64Array(2 ** Math.ceil(Math.log2(place + 1)));
    for (const [known, extra] of this.known) this.add(known, extra);
  }

  before(place) {
    let sum = 0;
    for (let at = Math.min(place - 1, this.tree.length - 1); at > 0; at -= at & -at) sum += this.tree[at];
    return sum;
  }
}

export class LogLayout {
  constructor(model) {
    this.model = model;
    this.reset();
  }

  /** Forget the heights, when the width or what is shown has changed. */
  reset() {
    this.extras = new Map();
  }

  extra(part) {
    if (!this.extras.has(part)) this.extras.set(part, new Extras());
    return this.extras.get(part);
  }

  heading(part) {
    return part.name ? HEADING_HEIGHT : 0;
  }

  height(part) {
    return this.heading(part) + (part.open ? this.model.count(part) * LINE_HEIGHT + this.extra(part).total : 0);
  }

  total() {
    return this.model.parts.reduce((sum, part) => sum + this.height(part), 0);
  }

  /** Remember a row's true height; return by how much that changes it. */
  measured({ part, place }, height) {
    return place ? this.extra(part).set(place, height - LINE_HEIGHT) : 0;
  }

  /** Return the distance of a row from the top. */
  top({ part, place }) {
    let sum = 0;
    for (const other of this.model.parts) {
      if (other === part) break;
      sum += this.height(other);
    }
    if (!place) return sum;
    return sum + this.heading(part) + (place - 1) * LINE_HEIGHT + this.extra(part).before(place);
  }

  /** Return the rows between two distances from the top. */
  rows(from, to) {
    const found = [];
    let top = 0;
    for (const part of this.model.parts) {
      const end = top + this.height(part);
      if (end > from && top < to) this.rowsOf(part, from - top, to - top, found);
      top = end;
    }
    return found;
  }

  rowsOf(part, from, to, found) {
    const heading = this.heading(part);
    if (heading && from < heading) found.push({ part, place: 0 });
    if (!part.open) return;
    const extra = this.extra(part);
    const count = this.model.count(part);
    let low = 1;
    let high = count;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (heading + (middle - 1) * LINE_HEIGHT + extra.before(middle) <= from) low = middle;
      else high = middle - 1;
    }
    for (let place = low; place <= count; place += 1) {
      if (heading + (place - 1) * LINE_HEIGHT + extra.before(place) >= to) break;
      found.push({ part, place });
    }
  }
}
