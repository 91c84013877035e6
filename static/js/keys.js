// Keyboard: `?` lists the keys; `data-key="g a"` on a link, button or input names the keys that use it; arrow keys
// move through lists (`data-list`).
import { h } from "./dom.js";

const TYPING = "input:not([type=checkbox], [type=radio], [type=range]), textarea, select, [contenteditable]";
let typed = "";
let forget = null;

function nameOf(element) {
  const words = element.cloneNode(true);
  words.querySelectorAll("[aria-hidden]").forEach((hidden) => hidden.remove());
  return element.getAttribute("aria-label") ?? words.textContent.trim();
}

const COMMON_KEYS = [
  ["Move in a list", "↑ ↓"], ["Send a message", "Enter"], ["Save the form", "Ctrl S"],
  ["Save, check, compile and ask", "Ctrl Enter"], ["Search", "Ctrl K"], ["These keys", "?"],
];

function help() {
  const dialog = document.querySelector("#keys-help") ?? document.body.appendChild(helpDialog());
  dialog.showModal();
}

function helpDialog() {
  const elements = [...document.querySelectorAll("[data-key]")].filter((element) => !element.closest("[hidden]"));
  const rows = [...elements.map((element) => [nameOf(element), element.dataset.key]), ...COMMON_KEYS];
  const list = h("div", { class: "keys" }, ...rows.map(([name, keys]) => helpRow(name, keys.split(" "))));
  const close = h("form", { method: "dialog", class: "dialog-actions" }, h("button", { class: "button" }, "Close"));
  const attributes = { class: "dialog", id: "keys-help", "aria-label": "Keyboard" };
  return h("dialog", attributes, h("h2", {}, "Keyboard"), list, close);
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

function shortcut(event) {
  clearTimeout(forget);
  forget = setTimeout(() => { typed = ""; }, 900);
  typed = `${typed} ${event.key}`.trim().split(" ").slice(-2).join(" ");
  const wanted = [...document.querySelectorAll("[data-key]")].find(
    (element) => element.dataset.key === typed || element.dataset.key === event.key,
  );
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
  if (move(event) || event.target.matches(TYPING) || event.key.length > 1) return;
  if (event.key === "?") help();
  else shortcut(event);
});

const foot = document.querySelector("[data-foot]");
const opener = h("button", { type: "button" }, "Keyboard");
opener.addEventListener("click", help);
foot?.append(opener);
