// The palette: a link with `data-palette` (to the search page) opens search in a dialog instead, and so do `/` and
// Ctrl-K. Arrow keys move through what was found (`data-results`), Enter takes the first or the chosen one.
import { announce, h } from "./dom.js";
import { replace } from "./parts.js";
import { released } from "./press.js";

const PAUSE = 120;
const opener = document.querySelector("[data-palette]");
let dialog = null;
let input = null;
let results = null;
let timer = null;
let request = null;
let shown = null;

function build() {
  const attributes = { type: "search", name: "q", maxlength: 100, autocomplete: "off", "aria-label": "Search" };
  input = h("input", { ...attributes, placeholder: "Agents, builds, keys, pages" });
  results = h("div", { class: "palette-results" });
  const form = h("form", { class: "palette-form", role: "search", action: opener.href }, input,
    h("button", { type: "button", class: "button quiet small", "data-close": true }, "Close"));
  dialog = document.body.appendChild(h("dialog", { class: "dialog palette", "aria-label": "Search" }, form, results));
  form.addEventListener("submit", take);
  input.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(find, PAUSE); });
  dialog.addEventListener("keydown", move);
  dialog.addEventListener("click", ({ target }) => { if (target === dialog) dialog.close(); });
  dialog.addEventListener("cancel", close);
  dialog.addEventListener("close", letGo);
}

function close(event) {
  event.preventDefault();
  dialog.close();
  letGo();
}

/** Leave no focus in the closed dialog, where it stays until the next frame: the next key would be text for its box. */
function letGo() {
  if (!dialog.open && dialog.contains(document.activeElement)) document.activeElement.blur();
}

function open() {
  if (!dialog) build();
  if (dialog.open) return;
  dialog.showModal();
  input.select();
  find();
}

/** Show what is found for the text now; an answer to an older text is not shown. */
async function find() {
  clearTimeout(timer);
  const text = input.value;
  request?.abort();
  const { signal } = request = new AbortController();
  try {
    const address = `${opener.href}?${new URLSearchParams({ q: text })}`;
    const response = await fetch(address, { headers: { "HX-Request": "true" }, signal });
    if (response.redirected) return location.reload();
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    const found = page.querySelector("[data-results]");
    await released();
    if (signal.aborted) return;
    put(found ?? h("p", { class: "results-none" }, message(response, page)));
    shown = found ? text : null;
    const count = choices().length;
    announce(count === 1 ? "1 result" : `${count} results`);
  } catch (error) {
    if (error.name === "AbortError") return;
    put(h("p", { class: "results-none" }, "The server can't be reached. Try again."));
  }
}

/** Show results; the focus stays on the one that was chosen, or goes back to the box if it is not among them. */
function put(fresh) {
  if (results.firstElementChild) replace(results.firstElementChild, fresh);
  else results.append(fresh);
  if (dialog.open && !dialog.contains(document.activeElement)) input.focus();
}

function message(response, page) {
  if (response.status !== 429) return "Search did not answer. Try again.";
  return page.querySelector("main p")?.textContent.trim() ?? "Too many searches. Try again in a few minutes.";
}

function choices() {
  return [...results.querySelectorAll(".result")];
}

async function take(event) {
  event.preventDefault();
  if (shown !== input.value) await find();
  if (shown === input.value) choices()[0]?.click();
}

const MOVES = { ArrowDown: 1, ArrowUp: -1 };

function move(event) {
  // Some browsers would empty the field first.
  if (event.key === "Escape") return close(event);
  if (!(event.key in MOVES)) return;
  event.preventDefault();
  const stops = [input, ...choices()];
  const next = stops.indexOf(document.activeElement) + MOVES[event.key];
  stops[(next + stops.length) % stops.length].focus();
}

opener?.addEventListener("click", (event) => {
  if (event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  open();
});

document.addEventListener("keydown", (event) => {
  if (!opener || !(event.ctrlKey || event.metaKey) || event.key.toLowerCase() !== "k") return;
  if (event.shiftKey || event.altKey || document.querySelector("dialog[open]:not(.palette)")) return;
  event.preventDefault();
  open();
});
