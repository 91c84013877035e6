// The log panel, on `data-log` (see templates/_log.html): lines arrive by `live:line` and are appended once a frame, in
// blocks that the browser may leave unrendered while they are out of sight. logtools.js adds the bar's tools.
import { h, on } from "./dom.js";
import { addTools } from "./logtools.js";

const BLOCK = 200;
const LINE_HEIGHT = 20;

export class LogPanel extends EventTarget {
  constructor(root) {
    super();
    this.root = root;
    this.body = root.querySelector("[data-log-body]");
    this.lines = [];
    this.waiting = [];
    this.following = !("closed" in root.dataset) && !location.hash;
    this.adopt();
    this.watch();
    if (root.dataset.channel && !("closed" in root.dataset)) {
      on("line", root.dataset.channel, (record) => this.add(record));
      on("end", root.dataset.channel, () => this.close());
    }
  }

  /** Take over the lines that the server rendered. */
  adopt() {
    const rendered = [...this.body.querySelectorAll(".log-line")];
    this.body.querySelectorAll(".log-block").forEach((block) => block.remove());
    // The server may leave out the first lines of a long log.
    this.offset = rendered.length ? Number(rendered[0].id.slice(1)) - 1 : 0;
    for (const element of rendered) this.place(element);
    this.estimate();
    this.mark();
    if (this.following) this.toEnd();
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
      const { scrollTop, scrollHeight, clientHeight } = this.body;
      const atEnd = scrollHeight - scrollTop - clientHeight < LINE_HEIGHT * 1.5;
      if (atEnd) this.follow(!("closed" in this.root.dataset));
      else if (held) leave();
    }, { passive: true });
    this.body.addEventListener("mouseover", ({ target }) => {
      const line = target.closest(".log-line");
      if (line && !line.title) line.title = this.timeOf(line, true);
    });
    addEventListener("hashchange", () => this.mark());
  }

  add(record) {
    this.waiting.push(record);
    if (this.waiting.length === 1) requestAnimationFrame(() => this.flush());
  }

  flush() {
    const records = this.waiting;
    if (!records.length) return;
    this.waiting = [];
    for (const record of records) this.place(this.render(record, this.offset + this.lines.length + 1));
    this.estimate();
    if (this.following) this.toEnd();
    this.dispatchEvent(new CustomEvent("grown", { detail: records.length }));
  }

  render({ t, stream, text }, number) {
    const line = h("div", { class: "log-line", id: `L${number}`, "data-stream": stream, "data-t": t });
    const time = h("span", { class: "log-time" });
    if ("times" in this.root.dataset) time.textContent = this.timeOf(line);
    line.append(h("a", { class: "log-n", href: `#L${number}` }, String(number)), time, h("span", { class: "log-text" }, text));
    if (location.hash === `#L${number}`) line.dataset.marked = "";
    return line;
  }

  place(line) {
    if (this.lines.length % BLOCK === 0) {
      this.block = h("div", { class: "log-block" });
      this.body.append(this.block);
    }
    this.first ??= Number(line.dataset.t) || null;
    this.block.append(line);
    this.lines.push(line);
    if (this.lines.length % BLOCK === 0) this.estimate();
    this.body.querySelector("[data-log-empty]").hidden = true;
  }

  /** Tell the browser how high the newest block will be, should it stay out of sight. */
  estimate() {
    if (this.block) this.block.style.containIntrinsicBlockSize = `auto ${this.block.childElementCount * LINE_HEIGHT}px`;
  }

  textOf(line) {
    return line.lastElementChild.textContent;
  }

  timeOf(line, full = false) {
    const t = Number(line.dataset.t);
    if (!t) return "";
    const at = new Date(t * 1000);
    const clock = `${at.toLocaleTimeString([], { hour12: false })}.${String(at.getMilliseconds()).padStart(3, "0")}`;
    return full ? `${clock}, ${(t - this.first).toFixed(2)} s after the first line` : clock;
  }

  follow(wanted) {
    if (wanted !== this.following) {
      this.following = wanted;
      this.dispatchEvent(new Event("following"));
    }
  }

  /** Go to the end, for some frames: blocks that come into sight take their true height only then. */
  toEnd(frames = 6) {
    this.body.scrollTop = this.body.scrollHeight;
    if (frames > 0) requestAnimationFrame(() => { if (this.following) this.toEnd(frames - 1); });
  }

  show(line) {
    this.follow(false);
    line.scrollIntoView({ block: "center" });
  }

  mark() {
    this.body.querySelector("[data-marked]")?.removeAttribute("data-marked");
    const number = /^#L(\d+)$/.exec(location.hash)?.[1];
    const line = number && this.lines[number - 1 - this.offset];
    if (!line) return;
    line.dataset.marked = "";
    this.show(line);
  }

  close() {
    this.flush();
    this.root.dataset.closed = "";
    this.follow(false);
  }
}

for (const root of document.querySelectorAll("[data-log]")) addTools(new LogPanel(root));
