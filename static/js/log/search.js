// The search of a log panel. The server searches the whole log: most lines are not loaded.
import { announce, button, h } from "../dom.js";
import { plain } from "./ansi.js";

const TYPING_PAUSE_MS = 200;
// The server limits searches: a growing log is searched again at most this often.
const REPEAT_MS = 3000;

export function searchBox(panel) {
  const attributes = { type: "search", placeholder: "Search", "aria-label": "Search the log", maxlength: "200" };
  const input = h("input", { ...attributes, "data-key": "f" });
  const count = h("span", { class: "log-count", role: "status" });
  const [previous, next] = [["↑", "Previous match"], ["↓", "Next match"]].map(([label, name]) =>
    button(label, { "aria-label": name, class: "button quiet small icon-only", hidden: true }));
  const search = new Search(panel, (text, hasHits) => {
    count.textContent = text;
    previous.hidden = next.hidden = !hasHits;
  });
  let pause = null;
  input.addEventListener("input", () => {
    clearTimeout(pause);
    pause = setTimeout(() => search.start(input.value), TYPING_PAUSE_MS);
  });
  input.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    search.go(event.shiftKey ? -1 : 1);
  });
  previous.addEventListener("click", () => search.go(-1));
  next.addEventListener("click", () => search.go(1));
  panel.addEventListener("filtered", () => search.refresh());
  panel.addEventListener("grown", () => search.scheduleRepeat());
  return h("span", { class: "log-search", role: "search" }, input, count, previous, next);
}

class Search {
  constructor(panel, show) {
    this.panel = panel;
    this.show = show;
    this.query = "";
    this.hits = [];
    this.total = 0;
    this.index = -1;
  }

  async start(text) {
    this.query = this.panel.query = text.toLowerCase();
    this.panel.here = null;
    this.panel.draw();
    this.index = -1;
    if (!text) return this.show("", false);
    this.show("…", false);
    if (!(await this.fetch(text))) return;
    if (this.hits.length) this.go(1);
    else this.update();
  }

  /** Fetch the matches in the order in which they are shown; return false when the query changed meanwhile. */
  async fetch(text) {
    const { query } = this;
    const { model } = this.panel;
    try {
      const { total, hits } = await model.search(text);
      if (query !== this.query) return false;
      const order = new Map(model.parts.map(({ part }, index) => [part, index]));
      this.hits = hits.sort((one, other) => order.get(one[1]) - order.get(other[1]) || one[2] - other[2]);
      this.total = total;
      return true;
    } catch ({ message }) {
      const problem = message === "429" ? "Too many searches, try again in a few minutes" : "Search failed";
      if (query === this.query) this.show(problem, false);
      return false;
    }
  }

  scheduleRepeat() {
    if (!this.query || this.timer) return;
    this.timer = setTimeout(async () => {
      this.timer = null;
      if (this.query && (await this.fetch(this.query))) this.update();
    }, REPEAT_MS);
  }

  /** Search again without moving to a match. */
  async refresh() {
    this.index = -1;
    if (this.query && (await this.fetch(this.query))) this.update();
  }

  go(step) {
    if (!this.hits.length) return;
    this.index = (this.index + step + this.hits.length) % this.hits.length;
    const [number, partNumber, place] = this.hits[this.index];
    const part = this.panel.model.part(partNumber);
    this.panel.here = number;
    this.panel.show({ part, place });
    this.update();
    const line = this.panel.model.line(part, place);
    announce(`Line ${number}${line ? `: ${plain(line.text)}` : ""}`);
  }

  update() {
    const position = this.index < 0 ? "" : `${(this.index + 1).toLocaleString()} of `;
    this.show(this.total ? `${position}${this.total.toLocaleString()}` : "no match", this.hits.length > 0);
  }
}
