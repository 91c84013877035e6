// The log panel, on `data-log` (see templates/_log.html). The document holds only the rows in sight and some around
// them: model.js holds or fetches the lines, layout.js positions them, rows.js builds their elements. Live lines
// arrive by `live:line`.
import { h, on } from "../dom.js";
import { LINE_HEIGHT, LogLayout } from "./layout.js";
import { addLinks } from "./links.js";
import { LogModel } from "./model.js";
import { headingElement, lineElement, lineTime, placeholder, readLine, updateHeading, updateLine } from "./rows.js";
import { addTools } from "./tools.js";

// Pixels drawn above and below what is in sight.
const MARGIN = 400;

export class LogPanel extends EventTarget {
  constructor(root) {
    super();
    this.root = root;
    this.body = root.querySelector("[data-log-body]");
    this.model = new LogModel(root);
    this.layout = new LogLayout(this.model);
    this.elements = new Map();
    this.times = "";
    this.marked = null;
    this.query = "";
    this.here = null;
    this.following = !this.closed && !location.hash;
    this.adopt();
    this.watch();
    this.listen();
    this.draw();
    if (this.following) this.toEnd();
    else if (this.first?.place > 1 && !location.hash) this.body.scrollTop = this.layout.top(this.first);
  }

  get closed() {
    return "closed" in this.root.dataset;
  }

  /** Read the parts and lines that the server rendered, and replace them with the drawn rows. */
  adopt() {
    this.model.errors = "stderr" in this.root.dataset;
    for (const element of this.body.querySelectorAll("[data-log-part]")) {
      this.adoptPart(element);
      element.remove();
    }
    if (!this.model.url) this.model.ensureLastPart();
    this.root.querySelector("[data-log-pages]")?.remove();
    this.rows = h("div", { class: "log-rows" });
    this.space = h("div", { class: "log-space" }, this.rows);
    this.body.append(this.space);
  }

  adoptPart(element) {
    const { logPart, name, partState: state, ms, lines, stderr } = element.dataset;
    const rendered = [...element.querySelectorAll(".log-line")];
    const part = this.model.addPart({
      part: Number(logPart), name, state, ms: ms === undefined ? null : Number(ms),
      lines: lines === undefined ? rendered.length : Number(lines), stderr: Number(stderr ?? 0),
      open: element.open ?? true,
    });
    rendered.forEach((line, index) => {
      const place = Number(line.dataset.i) || index + 1;
      this.model.store(part, place, readLine(line, part));
      this.first ??= { part, place };
    });
  }

  listen() {
    const { channel } = this.root.dataset;
    if (!channel || this.closed) return;
    on("line", channel, (record) => this.add(record));
    on("section", channel, (record) => this.updateSection(record));
    on("status", channel, ({ status }) => { if (status !== "running") this.stopSections(); });
    on("end", channel, () => this.close());
  }

  add(record) {
    const { place } = this.model.add(record);
    this.grown = (this.grown ?? 0) + (place === null ? 0 : 1);
    this.schedule();
  }

  updateSection({ name, state, ms }) {
    Object.assign(this.model.partOf(name), { state, ms: ms ?? null });
    this.schedule();
  }

  /** Nothing runs any more, nor does what a dead worker left in the middle. */
  stopSections() {
    for (const part of this.model.parts) if (part.name && part.state === "running") part.state = "stopped";
    this.schedule();
  }

  schedule() {
    this.frame ??= requestAnimationFrame(() => this.flush());
  }

  flush() {
    if (this.frame) cancelAnimationFrame(this.frame);
    this.frame = null;
    this.draw();
    if (this.following) this.toEnd();
    if (this.grown) this.dispatchEvent(new CustomEvent("grown", { detail: this.grown }));
    this.grown = 0;
  }

  /** Follow while the end is in sight. Only a person's action stops it, never the page's own layout. */
  watch() {
    const leave = () => this.follow(false);
    let held = false;
    this.body.addEventListener("wheel", ({ deltaY }) => { if (deltaY < 0) leave(); }, { passive: true });
    this.body.addEventListener("touchmove", leave, { passive: true });
    this.body.addEventListener("keydown", ({ key }) => { if (["ArrowUp", "PageUp", "Home"].includes(key)) leave(); });
    this.body.addEventListener("pointerdown", () => { held = true; });
    addEventListener("pointerup", () => { held = false; });
    this.body.addEventListener("scroll", () => {
      this.draw();
      if (this.atEnd()) this.follow(!this.closed);
      else if (held) leave();
    }, { passive: true });
    this.model.addEventListener("lines", () => this.schedule());
    new ResizeObserver(([{ contentRect: { width } }]) => {
      if (this.width && this.width !== width) this.layout.reset();
      this.width = width;
      this.schedule();
    }).observe(this.body);
  }

  get distanceToEnd() {
    const { scrollTop, scrollHeight, clientHeight } = this.body;
    return scrollHeight - scrollTop - clientHeight;
  }

  atEnd() {
    return this.distanceToEnd < LINE_HEIGHT * 1.5;
  }

  /** Draw the rows in sight, again while their measured heights bring others into sight. */
  draw() {
    for (let turn = 0; turn < 4 && this.drawOnce(); turn += 1);
    this.root.querySelector("[data-log-empty]").hidden = this.model.total > 0;
  }

  drawOnce() {
    const { scrollTop, clientHeight } = this.body;
    const rows = this.layout.rows(scrollTop - MARGIN, scrollTop + clientHeight + MARGIN);
    const drawn = rows.map((row) => this.element(row));
    const keep = new Set(drawn);
    for (const [key, element] of this.elements) if (!keep.has(element)) this.drop(key, element);
    drawn.forEach((element, index) => {
      const current = this.rows.children[index];
      if (current !== element) this.rows.insertBefore(element, current ?? null);
    });
    this.space.style.blockSize = `${this.layout.total()}px`;
    this.space.style.setProperty("--digits", String(this.model.total).length);
    if (!rows.length) return false;
    this.rows.style.insetBlockStart = `${this.layout.top(rows[0])}px`;
    return this.measure(rows, drawn);
  }

  /** Record the heights of drawn rows while the rows in sight stay in place; return whether a height changed. */
  measure(rows, drawn) {
    const top = this.body.scrollTop;
    const heights = drawn.map((element) => element.offsetHeight);
    const anchor = rows.find((row, index) => this.layout.top(row) + heights[index] > top) ?? rows[0];
    const before = this.layout.top(anchor);
    let changed = 0;
    rows.forEach((row, index) => {
      if (heights[index]) changed += Math.abs(this.layout.setHeight(row, heights[index]));
    });
    if (!changed) return false;
    const moved = this.layout.top(anchor) - before;
    this.space.style.blockSize = `${this.layout.total()}px`;
    if (moved) this.body.scrollTop = top + moved;
    return true;
  }

  drop(key, element) {
    if (element.contains(document.activeElement)) this.body.focus({ preventScroll: true });
    element.remove();
    this.elements.delete(key);
  }

  /** Return a row's element, built when the row first comes into sight. */
  element(row) {
    return row.place ? this.lineOf(row) : this.headingOf(row.part);
  }

  lineOf({ part, place }) {
    const line = this.model.line(part, place);
    if (!line) {
      this.model.request(part, place);
      return this.cached(`${part.part}:${place}:`, placeholder);
    }
    const build = () => line.element ?? lineElement(line, lineTime(line, this.model.started, "both"));
    const element = this.cached(`${part.part}:${place}:here`, build);
    const marked = this.marked !== null && line.n >= this.marked[0] && line.n <= this.marked[1];
    const time = this.times ? lineTime(line, this.model.started, this.times) : "";
    updateLine(element, { marked, time, match: this.matchOf(line, element) });
    return element;
  }

  headingOf(part) {
    const build = () => headingElement(part.name, () => this.fold(part, !part.open));
    const element = this.cached(`${part.part}:0`, build);
    updateHeading(element, part, this.model.count(part));
    return element;
  }

  cached(key, build) {
    if (!this.elements.has(key)) this.elements.set(key, build());
    return this.elements.get(key);
  }

  matchOf(line, element) {
    if (!this.query || !element.children[2].textContent.toLowerCase().includes(this.query)) return null;
    return line.n === this.here ? "here" : "";
  }

  fold(part, open) {
    part.open = open;
    this.draw();
  }

  showTimes(kind) {
    this.times = kind;
    this.root.toggleAttribute("data-times", Boolean(kind));
    this.layout.reset();
    this.draw();
  }

  /** Show the lines of stderr only, or all lines around the first one in sight. */
  filter(errors) {
    const { top } = this.body.getBoundingClientRect();
    const first = [...this.rows.querySelectorAll("[data-n]")].find((line) => line.getBoundingClientRect().bottom > top);
    if (first) this.seen = Number(first.dataset.n);
    this.model.errors = errors;
    this.elements.forEach((element, key) => this.drop(key, element));
    this.layout.reset();
    this.draw();
    this.dispatchEvent(new Event("filtered"));
    if (!errors && this.seen && !this.following) this.showLine(this.seen);
  }

  follow(wanted) {
    if (wanted === this.following) return;
    this.following = wanted;
    this.dispatchEvent(new Event("following"));
  }

  /** Scroll to the end, repeatedly: rows are measured only when they come into sight. */
  toEnd() {
    for (let turn = 0; turn < 5 && this.distanceToEnd >= 1; turn += 1) {
      this.body.scrollTop = this.body.scrollHeight;
      this.draw();
    }
  }

  /** Scroll a row into the middle and unfold its section. */
  show({ part, place }) {
    this.follow(false);
    part.open = true;
    for (let turn = 0; turn < 3; turn += 1) {
      this.draw();
      this.body.scrollTop = this.layout.top({ part, place }) - this.body.clientHeight / 2;
    }
    this.draw();
  }

  /** Scroll a line into the middle by its number; return false when the log has no such line. */
  async showLine(number) {
    if (this.model.errors) this.filter(false);
    const row = await this.model.find(number);
    if (row) this.show(row);
    return row !== null;
  }

  close() {
    this.root.dataset.closed = "";
    this.flush();
    this.follow(false);
    this.dispatchEvent(new Event("closed"));
  }
}

for (const root of document.querySelectorAll("[data-log]")) {
  const panel = new LogPanel(root);
  addLinks(panel);
  addTools(panel);
}
