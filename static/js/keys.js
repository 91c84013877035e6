// Keyboard: `?` lists the keys; `data-key="g a"` on a link, button or input names the keys that use it, and
// `data-key-name` in it what it is called there; arrow keys move through lists (`data-list`), `j` and `k` through the
// steps of an agent. Letters and digits can be switched off, for people who dictate.
import { h } from "./dom.js";

const TYPING = "input:not([type=checkbox], [type=radio], [type=range]), textarea, select, [contenteditable]";
const OFF = "single-keys-off";
let typed = "";
let forget = null;

function nameOf(element) {
  const named = element.querySelector("[data-key-name]");
  if (named) return named.textContent.trim();
  const words = element.cloneNode(true);
  words.querySelectorAll("[aria-hidden]").forEach((hidden) => hidden.remove());
  return element.getAttribute("aria-label") ?? words.textContent.trim();
}

const COMMON_KEYS = [
  ["Move in a list", "↑ ↓"], ["Send a message", "Enter"], ["Leave a field", "Esc"], ["Save the form", "Ctrl S"],
  ["Search", "Ctrl K"], ["These keys", "?"],
];

const COMPILE_KEYS = [["Save, check, compile and ask", "Ctrl Enter"]];
const STEP_KEYS = [["Next step", "j"], ["Previous step", "k"]];

function steps() {
  return [...document.querySelectorAll("[data-rail] [data-tab]")];
}

function help() {
  const dialog = document.querySelector("#keys-help") ?? document.body.appendChild(helpDialog());
  dialog.showModal();
}

function helpDialog() {
  const elements = [...document.querySelectorAll("[data-key]")].filter((element) => !element.closest("[hidden]"));
  const named = elements.map((element) => [nameOf(element), element.dataset.key]);
  const rows = [...named, ...(steps().length ? STEP_KEYS : []), ...COMMON_KEYS];
  if (document.querySelector("[data-compile-ask]")) rows.push(...COMPILE_KEYS);
  const list = h("div", { class: "keys" }, ...rows.map(([name, keys]) => helpRow(name, keys.split(" "))));
  const close = h("form", { method: "dialog", class: "dialog-actions" }, h("button", { class: "button" }, "Close"));
  const attributes = { class: "dialog", id: "keys-help", "aria-label": "Keyboard" };
  return h("dialog", attributes, h("h2", {}, "Keyboard"), list, singleKeys(), close);
}

function singleKeys() {
  const box = h("input", { type: "checkbox", checked: !localStorage.getItem(OFF) });
  box.addEventListener("change", () => (box.checked ? localStorage.removeItem(OFF) : localStorage.setItem(OFF, "1")));
  return h("label", { class: "switch" }, box, h("span", {}, "Letters and digits are keys"));
}

function helpRow(name, keys) {
  return h("div", {}, h("span", {}, name), h("span", {}, ...keys.flatMap((key) => [h("kbd", {}, key), " "])));
}

function use(element) {
  if (element.matches(TYPING)) {
    element.focus();
    element.select();
  } else element.click();
}

/** Open the step after the one that is shown, or before it. */
function step(event) {
  const by = { j: 1, k: -1 }[event.key];
  const at = steps().findIndex((item) => item.ariaCurrent);
  const next = by && at >= 0 && typed === "" && steps()[at + by];
  if (!next) return false;
  event.preventDefault();
  next.click();
  return true;
}

function shortcut(event) {
  clearTimeout(forget);
  forget = setTimeout(() => { typed = ""; }, 900);
  typed = `${typed} ${event.key}`.trim().split(" ").slice(-2).join(" ");
  const elements = [...document.querySelectorAll("[data-key]")];
  const wanted = [typed, event.key].map((keys) => elements.find(({ dataset }) => dataset.key === keys)).find(Boolean);
  if (!wanted || wanted.closest("[hidden]")) return;
  event.preventDefault();
  typed = "";
  use(wanted);
}

const MOVES = { ArrowDown: 1, ArrowUp: -1 };

function move(event) {
  const list = event.target.closest("[data-list]");
  if (!list || !(event.key in MOVES)) return false;
  const links = [...list.querySelectorAll("a.row-main, .table-main a")];
  const at = links.indexOf(event.target);
  const next = links[at + MOVES[event.key]];
  if (at < 0 || !next) return false;
  event.preventDefault();
  next.focus();
  return true;
}

document.addEventListener("keydown", (event) => {
  if ((event.ctrlKey || event.metaKey) && event.key === "s") {
    const form = document.querySelector("form[data-draft]");
    if (!form) return;
    event.preventDefault();
    form.requestSubmit();
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  if (event.key === "Escape" && !event.defaultPrevented && event.target.matches(TYPING)) event.target.blur();
  if (move(event) || event.target.matches(TYPING) || event.key.length > 1) return;
  if (event.key === "?") help();
  else if (!localStorage.getItem(OFF)) step(event) || shortcut(event);
});

const foot = document.querySelector("[data-foot]");
const opener = h("button", { type: "button" }, "Keyboard");
opener.addEventListener("click", help);
foot?.append(opener);
