// Links to lines of a log panel: #L10 and #L10-L20. A click takes one line, with shift the range from the last one;
// the arrow keys go from link to link.
import { announce } from "../dom.js";

const LINK = /^#L(\d+)(?:-L(\d+))?$/;

export function addLinks(panel) {
  let start = null;

  function range() {
    const found = LINK.exec(location.hash);
    if (!found) return null;
    const ends = [Number(found[1]), Number(found[2] ?? found[1])];
    return ends.sort((one, other) => one - other);
  }

  async function mark() {
    panel.marked = range();
    panel.draw();
    panel.dispatchEvent(new Event("marked"));
    if (!panel.marked) return;
    [start] = panel.marked;
    const drawn = panel.body.querySelector(`#L${start}`);
    if (drawn && inSight(drawn)) return;
    if (!(await panel.showLine(start))) announce(`This log has no line ${start}.`);
  }

  function inSight(element) {
    const [line, body] = [element, panel.body].map((each) => each.getBoundingClientRect());
    return line.top >= body.top && line.bottom <= body.bottom;
  }

  panel.body.addEventListener("click", (event) => {
    const link = event.target.closest("a.log-n");
    if (!link || event.metaKey || event.ctrlKey) return;
    event.preventDefault();
    take(Number(link.parentElement.dataset.n), event.shiftKey);
  });

  function take(number, extend) {
    panel.follow(false);
    const ends = extend && start !== null ? [start, number].sort((one, other) => one - other) : [number];
    if (!extend) start = number;
    const first = start;
    history.replaceState(history.state, "", `#L${ends.join("-L")}`);
    panel.marked = [ends[0], ends[ends.length - 1]];
    start = first;
    panel.draw();
    panel.dispatchEvent(new Event("marked"));
  }

  panel.body.addEventListener("keydown", (event) => {
    const link = event.target.closest("a.log-n");
    if (event.target === panel.body && event.key === "Enter") panel.body.querySelector("[data-marked] a.log-n, a.log-n")?.focus({ preventScroll: true });
    if (!link) return;
    if (event.key === "Enter") {
      event.preventDefault();
      take(Number(link.parentElement.dataset.n), event.shiftKey);
    } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      step(link.parentElement, event.key === "ArrowDown" ? "nextElementSibling" : "previousElementSibling");
    } else if (event.key === "Escape") panel.body.focus({ preventScroll: true });
  });

  function step(line, way) {
    let next = line[way];
    while (next && !next.querySelector("a.log-n")) next = next[way];
    if (!next) return;
    next.querySelector("a.log-n").focus({ preventScroll: true });
    next.scrollIntoView({ block: "nearest" });
  }

  addEventListener("hashchange", mark);
  mark();
}
