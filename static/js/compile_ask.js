// Save, check, compile and ask as one command, on `form[data-compile-ask]` and Ctrl-Enter: what is open is saved first (see
// autosave.js), the build's progress is shown in place, and its chat opens when it can answer. A question that is written
// in a chat of this page goes along. What fails says where.
import { takeAlong } from "./chat_question.js";
import { h, on } from "./dom.js";
import { follow } from "./live.js";
import { released } from "./press.js";

const ENDS = ["succeeded", "failed", "cancelled"];
let form = null;
let build = null;

/** The form as it is now: the page renews its parts. */
function find() {
  return document.querySelector("[data-compile-ask]");
}

async function say(...children) {
  await released();
  const state = document.querySelector("[data-compile-ask-state]");
  // Not every page of an agent offers it.
  if (!state) return;
  state.replaceChildren(...children);
  state.scrollIntoView({ block: "nearest" });
}

function rest() {
  build = null;
  form.dispatchEvent(new CustomEvent("forms:rest", { bubbles: true }));
}

function fail(...children) {
  rest();
  say(h("p", { class: "field-error" }, h("span", {}, ...children)));
}

async function compile(event) {
  event.preventDefault();
  form = event.target;
  say(h("p", {}, "Checking what changed."));
  try {
    const headers = { Accept: "application/json" };
    const response = await fetch(form.action, { method: "POST", body: new FormData(form), headers });
    const answer = await response.json();
    if (!response.ok) return refuse(response.status, answer);
    build = { ...answer.build, done: new Set(), words: "" };
    show();
    follow(build.channel);
    // Another module may have followed it before it was known here.
    await lookAgain();
  } catch {
    fail("The forge could not be reached. Nothing was compiled; what you wrote is kept.");
  }
}

/** Name the tab that the check refused, or say why no build was started. */
function refuse(status, { errors = {}, detail = "" }) {
  const [[name, texts] = ["", [detail || `Nothing was compiled (${status}).`]]] = Object.entries(errors);
  const item = document.querySelector(`[data-rail] a[data-tab="${CSS.escape(name.split(".")[0])}"]`);
  if (!item) return fail(texts.join(" "));
  const label = item.querySelector(".rail-name").textContent.trim();
  fail("Nothing was compiled. ", h("a", { href: item.href }, label), `: ${texts.join(" ")}`);
}

function show(words = "") {
  const link = h("a", { href: build.url }, `Build ${build.id}`);
  const bar = h("progress", { max: build.targets.flatMap(({ steps }) => steps).length, value: build.done.size, "aria-label": `Build ${build.id}` });
  say(h("p", {}, link, words ? `: ${words}` : " is waiting for its turn."), bar);
}

async function read(url) {
  const response = await fetch(url, { headers: { Accept: "application/json" } });
  return (await response.json()).build;
}

async function lookAgain() {
  const { status } = await read(build.url);
  if (build && ENDS.includes(status)) end(status);
}

async function end(status) {
  const { url, words: step } = build;
  build = null;
  if (status === "succeeded") return ask();
  const error = await read(url).then((row) => row.error, () => "");
  const place = step && status === "failed" ? ` at \u201c${step}\u201d` : "";
  const words = status === "cancelled" ? "was cancelled." : `failed${place}. ${error.split("\n")[0]}`;
  fail(h("a", { href: url }, "The build"), ` ${words}`);
}

function ask() {
  takeAlong(form.dataset.agent);
  say(h("p", {}, "Compiled."));
  if (location.pathname !== form.dataset.try) return location.assign(`${form.dataset.try}#ask`);
  history.replaceState(history.state, "", `${location.pathname}${location.search}#ask`);
  location.reload();
}

function ours(channel) {
  return build && channel === build.channel;
}

if (document.querySelector("[data-rail]")) {
  document.addEventListener("submit", (event) => {
    if (event.target.matches("[data-compile-ask]") && !event.defaultPrevented) compile(event);
  });
  // What an earlier build was said to fail of is history once there is a newer one.
  on("build", "", ({ status }) => { if (!form?.matches("[data-sending]") && status === "queued") say(); });
  on("queue", "", ({ words }, seq, channel) => { if (ours(channel)) show(words); });
  on("step", "", ({ name, state: reached }, seq, channel) => {
    if (!ours(channel)) return;
    build.words = name;
    if (reached === "done") build.done.add(name);
    show(name);
  });
  on("status", "", ({ status }, seq, channel) => {
    if (ours(channel) && ENDS.includes(status)) end(status);
  });
  // Before a field's own Enter.
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey) || document.querySelector("dialog[open]")) return;
    const now = find();
    if (!now) return;
    event.preventDefault();
    event.stopPropagation();
    if (!("sending" in now.dataset)) now.requestSubmit();
  }, true);
}
