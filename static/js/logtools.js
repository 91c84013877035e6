// The tools of a log panel: search, times, follow, copy, the first error, the pill "New lines".
import { announce, h, icon, toast } from "./dom.js";

/** Add the tools that only a script can serve to a LogPanel's bar. */
export function addTools(panel) {
  const bar = panel.root.querySelector("[data-log-tools]");
  bar.prepend(errorButton(panel), searchBox(panel), timesButton(panel), followButton(panel), copyButton(panel));
  addPill(panel);
}

function button(label, attributes = {}, ...before) {
  return h("button", { type: "button", class: "button quiet small", ...attributes }, ...before, label);
}

function toggle(label, pressed, change) {
  const element = button(label, { "aria-pressed": String(pressed) });
  element.addEventListener("click", () => change(element.getAttribute("aria-pressed") !== "true"));
  return element;
}

function timesButton(panel) {
  const show = (wanted) => {
    element.setAttribute("aria-pressed", String(wanted));
    panel.root.toggleAttribute("data-times", wanted);
    localStorage.setItem("log-times", wanted ? "1" : "");
    if (wanted) for (const line of panel.lines) line.querySelector(".log-time").textContent ||= panel.timeOf(line);
  };
  const element = toggle("Times", false, show);
  if (localStorage.getItem("log-times")) show(true);
  return element;
}

function followButton(panel) {
  const element = toggle("Follow", panel.following, (wanted) => {
    panel.follow(wanted);
    if (wanted) panel.toEnd();
  });
  const refresh = () => {
    element.setAttribute("aria-pressed", String(panel.following));
    element.hidden = "closed" in panel.root.dataset;
  };
  panel.addEventListener("following", refresh);
  document.addEventListener("live:end", () => queueMicrotask(refresh));
  refresh();
  return element;
}

function copyButton(panel) {
  const element = button("Copy", {}, icon("copy"));
  element.addEventListener("click", async () => {
    await copyText(panel.lines.map((line) => panel.textOf(line)).join("\n"));
    toast(`${panel.lines.length} lines copied.`, "success");
  });
  return element;
}

/** Put text on the clipboard, also where the page is not served over https. */
export async function copyText(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const area = document.body.appendChild(h("textarea", { class: "visually-hidden" }));
  area.value = text;
  area.select();
  document.execCommand("copy");
  area.remove();
}

// Compilers tell progress on stderr too: an error says so, or names a file with line and column.
const ERROR = /\b(error|panic|fatal|failed|cannot|undefined)\b|\.\w+:\d+:\d+: /i;

function firstError(panel) {
  const stderr = panel.lines.filter((line) => line.dataset.stream === "err");
  return stderr.find((line) => ERROR.test(panel.textOf(line)));
}

function errorButton(panel) {
  const element = button("First error", { hidden: true }, icon("warning"));
  element.addEventListener("click", () => {
    location.hash = firstError(panel).id;
    panel.mark();
  });
  const refresh = () => { element.hidden &&= !firstError(panel); };
  panel.addEventListener("grown", refresh);
  refresh();
  return element;
}

function addPill(panel) {
  const pill = h("button", { type: "button", class: "button small log-new", hidden: true }, "New lines ", icon("down"));
  pill.addEventListener("click", () => {
    panel.follow(true);
    panel.toEnd();
  });
  panel.root.append(pill);
  panel.addEventListener("grown", () => { pill.hidden = panel.following; });
  panel.addEventListener("following", () => { if (panel.following) pill.hidden = true; });
  panel.body.addEventListener("scroll", () => {
    const { scrollTop, scrollHeight, clientHeight } = panel.body;
    if (scrollHeight - scrollTop - clientHeight < 30) pill.hidden = true;
  }, { passive: true });
}

function searchBox(panel) {
  const input = h("input", { type: "search", placeholder: "Search", "aria-label": "Search the log", "data-key": "f" });
  const count = h("span", { class: "log-count", role: "status" });
  const previous = button("↑", { "aria-label": "Previous match", class: "button quiet small icon-only", hidden: true });
  const next = button("↓", { "aria-label": "Next match", class: "button quiet small icon-only", hidden: true });
  const search = new Search(panel, (text, any) => {
    count.textContent = text;
    previous.hidden = next.hidden = !any;
  });
  let pause = null;
  input.addEventListener("input", () => {
    clearTimeout(pause);
    pause = setTimeout(() => search.look(input.value), 120);
  });
  input.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    search.go(event.shiftKey ? -1 : 1);
  });
  previous.addEventListener("click", () => search.go(-1));
  next.addEventListener("click", () => search.go(1));
  panel.addEventListener("grown", ({ detail }) => search.extend(detail));
  return h("span", { class: "log-search", role: "search" }, input, count, previous, next);
}

class Search {
  constructor(panel, report) {
    this.panel = panel;
    this.report = report;
    this.words = "";
    this.found = [];
    this.at = -1;
  }

  matches(line) {
    return this.panel.textOf(line).toLowerCase().includes(this.words);
  }

  look(words) {
    for (const line of this.found) delete line.dataset.found;
    this.words = words.toLowerCase();
    this.found = this.words ? this.panel.lines.filter((line) => this.matches(line)) : [];
    this.at = -1;
    for (const line of this.found) line.dataset.found = "";
    if (this.found.length) this.go(1);
    else this.report(this.words ? "no match" : "", false);
  }

  /** Look through the lines that have arrived since. */
  extend(count) {
    if (!this.words) return;
    const fresh = this.panel.lines.slice(-count).filter((line) => this.matches(line));
    for (const line of fresh) line.dataset.found = "";
    this.found.push(...fresh);
    this.tell();
  }

  go(step) {
    if (!this.found.length) return;
    if (this.found[this.at]) this.found[this.at].dataset.found = "";
    this.at = (this.at + step + this.found.length) % this.found.length;
    this.found[this.at].dataset.found = "here";
    this.panel.show(this.found[this.at]);
    this.tell();
    announce(`Line ${this.found[this.at].id.slice(1)}: ${this.panel.textOf(this.found[this.at])}`);
  }

  tell() {
    this.report(this.found.length ? `${this.at + 1} of ${this.found.length}` : "no match", this.found.length > 0);
  }
}
