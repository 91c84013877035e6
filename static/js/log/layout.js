// The position of each row of a log panel. A row is {part, place}; place 0 is the heading of a section. Every row
// counts as one line high until it has been drawn and measured (long lines wrap).
export const LINE_HEIGHT = 20;
export const HEADING_HEIGHT = 32;

/** Heights beyond one line, by place, with prefix sums in logarithmic time (a Fenwick tree). */
class ExtraHeights {
  constructor() {
    this.extras = new Map();
    this.tree = new Float64Array(1024);
    this.total = 0;
  }

  set(place, extra) {
    const change = extra - (this.extras.get(place) ?? 0);
    if (!change) return 0;
    this.extras.set(place, extra);
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
    for (const [at, extra] of this.extras) this.add(at, extra);
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

  /** Drop all measured heights, after the width or the choice of lines changed. */
  reset() {
    this.extras = new Map();
  }

  extra(part) {
    if (!this.extras.has(part)) this.extras.set(part, new ExtraHeights());
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

  /** Record a row's measured height; return the change. */
  setHeight({ part, place }, height) {
    return place ? this.extra(part).set(place, height - LINE_HEIGHT) : 0;
  }

  /** Return a row's distance from the top. */
  top({ part, place }) {
    let sum = 0;
    for (const other of this.model.parts) {
      if (other === part) break;
      sum += this.height(other);
    }
    return place ? sum + this.offset(part, place) : sum;
  }

  /** Return a line's distance from the top of its part. */
  offset(part, place) {
    return this.heading(part) + (place - 1) * LINE_HEIGHT + this.extra(part).before(place);
  }

  /** Return the rows between two distances from the top. */
  rows(from, to) {
    const rows = [];
    let top = 0;
    for (const part of this.model.parts) {
      const end = top + this.height(part);
      if (end > from && top < to) rows.push(...this.rowsOf(part, from - top, to - top));
      top = end;
    }
    return rows;
  }

  rowsOf(part, from, to) {
    const heading = this.heading(part);
    const rows = heading && from < heading ? [{ part, place: 0 }] : [];
    if (!part.open) return rows;
    const count = this.model.count(part);
    for (let place = this.placeAt(part, from); place <= count && this.offset(part, place) < to; place += 1) {
      rows.push({ part, place });
    }
    return rows;
  }

  /** Return the last place that starts at or above a distance from the top of its part; 1 at the least. */
  placeAt(part, distance) {
    let low = 1;
    let high = this.model.count(part);
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.offset(part, middle) <= distance) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}
