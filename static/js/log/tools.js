// The tools of a log panel: first error, search, stderr only, times, follow, copy, full screen, the pill "New lines".
import { button, copyText, h, icon, toast } from "../dom.js";
import { plural } from "../formats.js";
import { searchBox } from "./search.js";

/** Add the tools that need a script to a LogPanel's bar. */
export function addTools(panel) {
  const bar = panel.root.querySelector("[data-log-tools]");
  const tools = [searchBox, stderrButton, timesChoice, followButton, copyButton];
  bar.prepend(...tools.map((tool) => tool(panel)));
  // The kept place of the first error is the last one, where it leaves no gap.
  bar.append(screenButton(panel), errorButton(panel));
  addPill(panel);
}

function toggle(label, pressed, change) {
  const element = button(label, { "aria-pressed": String(pressed) });
  element.addEventListener("click", () => change(element.getAttribute("aria-pressed") !== "true"));
  return element;
}

/** Return a function that shows a tool or not; of a log that goes on, its place is kept, so that no other one moves. */
function place(element, panel) {
  const kept = !panel.closed;
  return (shown) => {
    element.hidden = !shown && !kept;
    element.style.visibility = shown ? "" : "hidden";
  };
}

function timesChoice(panel) {
  const kinds = [["", "No times"], ["clock", "Clock"], ["since", "Since start"]];
  const options = kinds.map(([value, label]) => h("option", { value }, label));
  const element = h("select", { class: "log-times", "aria-label": "Times" }, ...options);
  const stored = localStorage.getItem("log-times");
  element.value = kinds.some(([value]) => value === stored) ? stored : "";
  element.addEventListener("change", () => {
    localStorage.setItem("log-times", element.value);
    panel.showTimes(element.value);
  });
  if (element.value) panel.showTimes(element.value);
  return element;
}

function stderrButton(panel) {
  const element = toggle("stderr", panel.model.errors, (wanted) => panel.filter(wanted));
  panel.addEventListener("filtered", () => element.setAttribute("aria-pressed", String(panel.model.errors)));
  return element;
}

function followButton(panel) {
  const element = toggle("Follow", panel.following, (wanted) => {
    panel.follow(wanted);
    if (wanted) panel.toEnd();
  });
  const show = place(element, panel);
  const refresh = () => {
    element.setAttribute("aria-pressed", String(panel.following));
    show(!panel.closed);
  };
  panel.addEventListener("following", refresh);
  panel.addEventListener("closed", refresh);
  refresh();
  return element;
}

function copyButton(panel) {
  const element = button("Copy", {}, icon("copy"));
  const label = () => { element.lastChild.textContent = panel.marked ? "Copy marked" : "Copy"; };
  panel.addEventListener("marked", label);
  label();
  element.addEventListener("click", async () => {
    const lines = await panel.model.texts(...(panel.marked ?? [1, panel.model.total]));
    await copyText(lines.join("\n"));
    toast(`${plural(lines.length, "line")} copied.`, "success");
  });
  return element;
}

function screenButton(panel) {
  const show = (wanted) => {
    element.setAttribute("aria-pressed", String(wanted));
    panel.root.toggleAttribute("data-full", wanted);
    panel.draw();
  };
  const element = toggle("Full screen", false, show);
  panel.root.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && "full" in panel.root.dataset && !event.defaultPrevented) show(false);
  });
  return element;
}

function errorButton(panel) {
  const element = button("First error", {}, icon("warning"));
  element.addEventListener("click", () => {
    const hash = `#L${panel.model.firstError}`;
    if (location.hash === hash) panel.showLine(panel.model.firstError);
    else location.hash = hash;
  });
  const show = place(element, panel);
  const refresh = () => show(Boolean(panel.model.firstError));
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
  panel.body.addEventListener("scroll", () => { if (panel.atEnd()) pill.hidden = true; }, { passive: true });
}
