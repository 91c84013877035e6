// The search of a log panel, over the whole log: the server looks, for most of it is not here.
import { plain } from "./ansi.js";
import { announce, button, h } from "../dom.js";

export function searchBox(panel) {
  const input = h("input", { type: "search", placeholder: "Search", "aria-label": "Search the log", "data-key": "f", maxlength: "200" });
  const count = h("span", { class: "log-count", role: "status" });
  const step = (label, name) => button(label, { "aria-label": name, class: "button quiet small icon-only", hidden: true });
  const previous = step("↑", "Previous match");
  const next = step("↓", "Next match");
  const search = new Search(panel, (text, any) => {
    count.textContent = text;
    previous.hidden = next.hidden = !any;
  });
  let pause = null;
  input.addEventListener("input", () => {
    clearTimeout(pause);
    pause = setTimeout(() => search.look(input.value), 200);
  });
  input.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    search.go(event.shiftKey ? -1 : 1);
  });
  previous.addEventListener("click", () => search.go(-1));
  next.addEventListener("click", () => search.go(1));
  panel.addEventListener("filtered", () => search.refresh());
  panel.addEventListener("grown", () => search.again());
  return h("span", { class: "log-search", role: "search" }, input, count, previous, next);
}

class Search {
  constructor(panel, report) {
    this.panel = panel;
    this.report = report;
    this.hits = [];
    this.total = 0;
    this.at = -1;
  }

  async look(words) {
    this.words = this.panel.words = words.toLowerCase();
    this.panel.here = null;
    this.panel.draw();
    this.at = -1;
    if (!words) return this.report("", false);
    this.report("…", false);
    if (await this.ask(words)) this.hits.length ? this.go(1) : this.tell();
  }

  /** Ask for the matches in the order in which they are shown; false when other words were asked for meanwhile. */
  async ask(words) {
    const asked = this.words;
    try {
      const { total, hits } = await this.panel.model.search(words);
      if (asked !== this.words) return false;
      const order = new Map(this.panel.model.parts.map(({ part }, index) => [part, index]));
      this.hits = hits.sort((one, other) => order.get(one[1]) - order.get(other[1]) || one[2] - other[2]);
      this.total = total;
      return true;
    } catch (error) {
      const said = error.message === "429" ? "Too many searches, try again in some minutes" : "Search failed";
      if (asked === this.words) this.report(said, false);
      return false;
    }
  }

  /** Look again when the log has grown, at most every three seconds: the server counts searches. */
  again() {
    if (!this.words || this.waiting) return;
    this.waiting = setTimeout(async () => {
      this.waiting = null;
      if (this.words && (await this.ask(this.words))) this.tell();
    }, 3000);
  }

  /** Look again without going anywhere. */
  async refresh() {
    this.at = -1;
    if (this.words && (await this.ask(this.words))) this.tell();
  }

  go(step) {
    if (!this.hits.length) return;
    this.at = (this.at + step + this.hits.length) % this.hits.length;
    const [number, part, place] = this.hits[this.at];
    this.panel.here = number;
    this.panel.show({ part: this.panel.model.part(part), place });
    this.tell();
    const line = this.panel.model.line(this.panel.model.part(part), place);
    announce(`Line ${number}${line ? `: ${plain(line.text)}` : ""}`);
  }

  tell() {
    const place = this.at < 0 ? "" : `${(this.at + 1).toLocaleString()} of `;
    this.report(this.total ? `${place}${this.total.toLocaleString()}` : "no match", this.hits.length > 0);
  }
}
