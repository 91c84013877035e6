// Links to lines of a log panel: #L10 and #L10-L20. A click marks one line, with shift the range from the last one;
// the arrow keys move from link to link.
import { announce } from "../dom.js";

const HASH = /^#L(\d+)(?:-L(\d+))?$/;

export function addLinks(panel) {
  const links = new LineLinks(panel);
  addEventListener("hashchange", () => links.markHash());
  panel.body.addEventListener("click", (event) => links.click(event));
  panel.body.addEventListener("keydown", (event) => links.keydown(event));
  links.markHash();
}

/** Read the lines that a hash names: [first, last], or null. */
export function rangeOf(hash) {
  const match = HASH.exec(hash);
  return match && ordered(Number(match[1]), Number(match[2] ?? match[1]));
}

function ordered(one, other) {
  return [Math.min(one, other), Math.max(one, other)];
}

class LineLinks {
  constructor(panel) {
    this.panel = panel;
    this.start = null;
  }

  mark(range) {
    this.panel.marked = range;
    this.panel.draw();
    this.panel.dispatchEvent(new Event("marked"));
  }

  async markHash() {
    const range = rangeOf(location.hash);
    this.mark(range);
    if (!range) return;
    [this.start] = range;
    const { start } = this;
    const drawn = this.panel.body.querySelector(`#L${start}`);
    if (drawn && this.inSight(drawn)) return;
    if (!(await this.panel.showLine(start))) announce(`This log has no line ${start}.`);
  }

  inSight(element) {
    const [line, body] = [element, this.panel.body].map((each) => each.getBoundingClientRect());
    return line.top >= body.top && line.bottom <= body.bottom;
  }

  click(event) {
    const link = event.target.closest("a.log-n");
    if (!link || event.metaKey || event.ctrlKey) return;
    event.preventDefault();
    this.select(link, event.shiftKey);
  }

  /** Mark the line of a link, or extend the range from the last marked line to it. */
  select(link, extend) {
    const number = Number(link.parentElement.dataset.n);
    this.panel.follow(false);
    const isRange = extend && this.start !== null;
    if (!extend) this.start = number;
    const range = isRange ? ordered(this.start, number) : [number, number];
    history.replaceState(history.state, "", isRange ? `#L${range.join("-L")}` : `#L${number}`);
    this.mark(range);
  }

  keydown(event) {
    const { body } = this.panel;
    if (event.target === body && event.key === "Enter") {
      body.querySelector("[data-marked] a.log-n, a.log-n")?.focus({ preventScroll: true });
    }
    const link = event.target.closest("a.log-n");
    if (!link) return;
    if (event.key === "Escape") body.focus({ preventScroll: true });
    if (!["Enter", "ArrowDown", "ArrowUp"].includes(event.key)) return;
    event.preventDefault();
    if (event.key === "Enter") this.select(link, event.shiftKey);
    else focusNext(link.parentElement, event.key === "ArrowDown" ? "nextElementSibling" : "previousElementSibling");
  }
}

/** Focus the nearest link in a direction; section headings are skipped. */
function focusNext(line, direction) {
  let next = line[direction];
  while (next && !next.querySelector("a.log-n")) next = next[direction];
  if (!next) return;
  next.querySelector("a.log-n").focus({ preventScroll: true });
  next.scrollIntoView({ block: "nearest" });
}
