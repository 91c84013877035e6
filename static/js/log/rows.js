// The elements of a log panel's rows: lines, placeholders for lines that are still loading, and section headings.
import { h } from "../dom.js";
import { duration, plural } from "../formats.js";
import { spans } from "./ansi.js";

/** Read a line that the server rendered. */
export function readLine(element, part) {
  const { n, stream, t, mark } = element.dataset;
  const [link, time, text] = element.children;
  link.tabIndex = -1;
  link.href = `#L${n}`;
  time.removeAttribute("title");
  const isMark = mark !== undefined;
  return { n: Number(n), part: part.part, stream, t: Number(t), mark: isMark, text: text.textContent, element };
}

export function lineElement(line, title) {
  const attributes = { id: `L${line.n}`, "data-n": line.n, "data-stream": line.stream, "data-mark": line.mark };
  const text = h("span", { class: "log-text", dir: "auto" });
  for (const [piece, classes] of spans(line.text)) text.append(classes ? h("span", { class: classes }, piece) : piece);
  const link = h("a", { class: "log-n", href: `#L${line.n}`, tabindex: "-1", title }, String(line.n));
  return h("div", { class: "log-line", ...attributes }, link, h("span", { class: "log-time" }), text);
}

export function placeholder() {
  return h("div", { class: "log-line", "data-missing": true }, h("span", { class: "log-n" }, "…"));
}

/** Update a line's mark, its time, and whether it matches the search ("" or "here" for the current match). */
export function updateLine(element, { marked, time, match }) {
  if (marked !== "marked" in element.dataset) element.toggleAttribute("data-marked", marked);
  if (element.children[1].textContent !== time) element.children[1].textContent = time;
  if (match === null) delete element.dataset.found;
  else element.dataset.found = match;
}

export function headingElement(name, onToggle) {
  const element = h("button", { type: "button", class: "log-heading" });
  element.append(h("span", { class: "log-section-name" }, name), h("span", { class: "badge" }));
  element.append(h("span", { class: "log-section-ms" }), h("span", { class: "log-section-count" }));
  element.addEventListener("click", onToggle);
  return element;
}

export function updateHeading(element, part, lines) {
  element.setAttribute("aria-expanded", String(part.open));
  const [, badge, ms, count] = element.children;
  badge.dataset.state = badge.textContent = part.state;
  ms.textContent = part.ms === null ? "" : duration(part.ms);
  count.textContent = plural(lines, "line");
}

/** Format a line's time: "clock" 12:04:05.120, "since" the first line 1.20 s, or "both". */
export function lineTime(line, started, kind) {
  if (!line.t) return "";
  const since = `${(line.t - (started ?? line.t)).toFixed(2)} s`;
  if (kind === "since") return since;
  const at = new Date(line.t * 1000);
  const clock = `${at.toLocaleTimeString([], { hour12: false })}.${String(at.getMilliseconds()).padStart(3, "0")}`;
  return kind === "both" ? `${clock}, ${since} after the first line` : clock;
}
