// The log panel, on `data-log` (see templates/_log.html). Only the lines in sight, and some around them, are in the
// document; model.js holds or fetches the others, layout.js knows where they stand. Lines arrive by `live:line`.
// tools.js adds the bar's tools, links.js the links to lines.
import { spans } from "./ansi.js";
import { duration, h, on } from "../dom.js";
import { addLinks } from "./links.js";
import { LINE_HEIGHT, LogLayout } from "./layout.js";
import { LogModel } from "./model.js";
import { addTools } from "./tools.js";

// So much is drawn above and below what is in sight.
const AROUND = 400;

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
    this.words = "";
    this.here = null;
    this.following = !this.closed && !location.hash;
    this.adopt();
    this.watch();
    this.listen();
    this.draw();
    if (this.following) this.toEnd();
    else if (this.opening?.place > 1 && !location.hash) this.body.scrollTop = this.layout.top(this.opening);
  }

  get closed() {
    return "closed" in this.root.dataset;
  }

  /** Take over what the server rendered: parts, and the lines of one page. */
  adopt() {
    this.model.errors = "stderr" in this.root.dataset;
    for (const element of this.body.querySelectorAll("[data-log-part]")) {
      const { logPart, name, partState: state, ms, lines, stderr } = element.dataset;
      const rendered = [...element.querySelectorAll(".log-line")];
      const part = this.model.addPart({
        part: Number(logPart), name, state, ms: ms === undefined ? null : Number(ms),
        lines: lines === undefined ? rendered.length : Number(lines), stderr: Number(stderr ?? 0),
        open: element.open ?? true,
      });
      rendered.forEach((line, index) => {
        const place = Number(line.dataset.i) || index + 1;
        this.model.keep(part, place, this.lineOf(line, part));
        this.opening ??= { part, place };
      });
      element.remove();
    }
    if (!this.model.url && !this.model.part(-1)) this.model.addPart({ part: -1 });
    this.root.querySelector("[data-log-pages]")?.remove();
    this.rows = h("div", { class: "log-rows" });
    this.space = h("div", { class: "log-space" }, this.rows);
    this.body.append(this.space);
  }

  lineOf(element, part) {
    const { n, stream, t, mark } = element.dataset;
    const [link, time, text] = element.children;
    link.tabIndex = -1;
    link.href = `#L${n}`;
    time.removeAttribute("title");
    return { n: Number(n), part: part.part, stream, t: Number(t), mark: mark !== undefined, text: text.textContent, element };
  }

  listen() {
    const { channel } = this.root.dataset;
    if (!channel || this.closed) return;
    on("line", channel, (record) => this.add(record));
    on("section", channel, (record) => this.section(record));
    on("end", channel, () => this.close());
  }

  add(record) {
    const { place } = this.model.add(record);
    this.grown = (this.grown ?? 0) + (place === null ? 0 : 1);
    this.later();
  }

  section({ name, state, ms }) {
    const part = this.model.partOf(name);
    Object.assign(part, { state, ms: ms ?? null });
    this.later();
  }

  later() {
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

  /** Follow while the end is in sight; only what a person does stops it, never the page's own layout. */
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
    this.model.addEventListener("lines", () => this.later());
    new ResizeObserver(([{ contentRect: { width } }]) => {
      if (this.width && this.width !== width) this.layout.reset();
      this.width = width;
      this.later();
    }).observe(this.body);
  }

  atEnd() {
    const { scrollTop, scrollHeight, clientHeight } = this.body;
    return scrollHeight - scrollTop - clientHeight < LINE_HEIGHT * 1.5;
  }

  /** Draw the rows in sight; their true heights may bring others into sight. */
  draw() {
    for (let turn = 0; turn < 4 && this.drawOnce(); turn += 1);
    this.root.querySelector("[data-log-empty]").hidden = this.model.total > 0;
  }

  drawOnce() {
    const { scrollTop, clientHeight } = this.body;
    const rows = this.layout.rows(scrollTop - AROUND, scrollTop + clientHeight + AROUND);
    const drawn = rows.map((row) => this.element(row));
    const keep = new Set(drawn);
    for (const [key, element] of this.elements) if (!keep.has(element)) this.drop(key, element);
    drawn.forEach((element, index) => { if (this.rows.children[index] !== element) this.rows.insertBefore(element, this.rows.children[index] ?? null); });
    this.space.style.blockSize = `${this.layout.total()}px`;
    this.space.style.setProperty("--digits", String(this.model.total).length);
    if (!rows.length) return false;
    this.rows.style.insetBlockStart = `${this.layout.top(rows[0])}px`;
    return this.measure(rows, drawn);
  }

  /** Learn the heights of drawn rows, and keep what is in sight where it is; tell whether something moved. */
  measure(rows, drawn) {
    const top = this.body.scrollTop;
    const heights = drawn.map((element) => element.offsetHeight);
    const anchor = rows.find((row, index) => this.layout.top(row) + heights[index] > top) ?? rows[0];
    const before = this.layout.top(anchor);
    let changed = 0;
    rows.forEach((row, index) => { if (heights[index]) changed += Math.abs(this.layout.measured(row, heights[index])); });
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

  /** Return the element of a row, made when it is first in sight. */
  element(row) {
    const line = row.place ? this.model.line(row.part, row.place) : null;
    if (row.place && !line) this.model.want(row.part, row.place);
    const key = `${row.part.part}:${row.place}:${row.place && !line ? "" : "here"}`;
    if (!this.elements.has(key)) this.elements.set(key, row.place ? this.render(line) : this.heading(row.part));
    const element = this.elements.get(key);
    if (row.place) this.decorate(element, line);
    else this.tell(element, row.part);
    return element;
  }

  render(line) {
    if (!line) return h("div", { class: "log-line", "data-missing": true }, h("span", { class: "log-n" }, "…"));
    if (line.element) return line.element;
    const element = h("div", { class: "log-line", id: `L${line.n}`, "data-n": line.n, "data-stream": line.stream, "data-mark": line.mark });
    const text = h("span", { class: "log-text", dir: "auto" });
    for (const [piece, classes] of spans(line.text)) text.append(classes ? h("span", { class: classes }, piece) : piece);
    const link = h("a", { class: "log-n", href: `#L${line.n}`, tabindex: "-1", title: this.timeOf(line, "both") }, String(line.n));
    element.append(link, h("span", { class: "log-time" }), text);
    return element;
  }

  decorate(element, line) {
    if (!line) return;
    const isMarked = this.marked !== null && line.n >= this.marked[0] && line.n <= this.marked[1];
    if (isMarked !== "marked" in element.dataset) element.toggleAttribute("data-marked", isMarked);
    const time = this.times ? this.timeOf(line, this.times) : "";
    if (element.children[1].textContent !== time) element.children[1].textContent = time;
    const found = !this.words || !element.children[2].textContent.toLowerCase().includes(this.words) ? undefined : line.n === this.here ? "here" : "";
    if (found === undefined) delete element.dataset.found;
    else element.dataset.found = found;
  }

  heading(part) {
    const element = h("button", { type: "button", class: "log-heading" });
    element.append(h("span", { class: "log-section-name" }, part.name), h("span", { class: "badge" }));
    element.append(h("span", { class: "log-section-ms" }), h("span", { class: "log-section-count" }));
    element.addEventListener("click", () => this.fold(part, !part.open));
    return element;
  }

  tell(element, part) {
    element.setAttribute("aria-expanded", String(part.open));
    const [, badge, ms, count] = element.children;
    const lines = this.model.count(part);
    badge.dataset.state = badge.textContent = part.state;
    ms.textContent = part.ms === null ? "" : duration(part.ms);
    count.textContent = `${lines.toLocaleString()} ${lines === 1 ? "line" : "lines"}`;
  }

  fold(part, open) {
    part.open = open;
    this.draw();
  }

  timeOf(line, kind) {
    if (!line.t) return "";
    const since = `${(line.t - (this.model.started ?? line.t)).toFixed(2)} s`;
    if (kind === "since") return since;
    const at = new Date(line.t * 1000);
    const clock = `${at.toLocaleTimeString([], { hour12: false })}.${String(at.getMilliseconds()).padStart(3, "0")}`;
    return kind === "both" ? `${clock}, ${since} after the first line` : clock;
  }

  showTimes(kind) {
    this.times = kind;
    this.root.toggleAttribute("data-times", Boolean(kind));
    this.layout.reset();
    this.draw();
  }

  /** Show the lines of stderr only, or all around the first of them that is in sight. */
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
    if (wanted !== this.following) {
      this.following = wanted;
      this.dispatchEvent(new Event("following"));
    }
  }

  /** Go to the end; rows that come into sight take their true height only then. */
  toEnd() {
    for (let turn = 0; turn < 5 && !this.atBottom(); turn += 1) {
      this.body.scrollTop = this.body.scrollHeight;
      this.draw();
    }
  }

  atBottom() {
    const { scrollTop, scrollHeight, clientHeight } = this.body;
    return scrollHeight - scrollTop - clientHeight < 1;
  }

  /** Bring a row into the middle, and its section out of its fold. */
  show({ part, place }) {
    this.follow(false);
    part.open = true;
    for (let turn = 0; turn < 3; turn += 1) {
      this.draw();
      this.body.scrollTop = this.layout.top({ part, place }) - this.body.clientHeight / 2;
    }
    this.draw();
  }

  /** Bring a line into the middle by its number; false when the log has no such line. */
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
