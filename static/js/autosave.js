// A form with `data-autosave` saves each field when it is left, where its value is valid; its note then says when. What is
// open is saved before anything else is sent or opened from the page; leaving with unsaved text asks. A field that was
// saved elsewhere stops this until the form is saved by hand, which shows both sides.
import { h } from "./dom.js";
import { drafts, part, values } from "./drafts.js";
import { renewSoon } from "./parts.js";
import { released } from "./press.js";
import { hasTyped } from "./typed.js";

// How long after a save that got no answer it is sent again, in milliseconds.
const AGAIN = 3000;
let sending = Promise.resolve();
let waiting = null;
let leaving = false;

function open() {
  return [...drafts.values()].filter(({ form }) => "autosave" in form.dataset);
}

function changed() {
  return [...drafts.values()].some((draft) => draft.changed);
}

/** Save what is open; resolves when the server has answered. */
function flush() {
  sending = sending.then(async () => { for (const draft of open()) await save(draft); });
  return sending;
}

async function save(draft) {
  // The server may have what it did not answer: sent again it changes nothing, and the next save conflicts with it no more.
  if (draft.unanswered && !await send(draft, draft.unanswered)) return;
  const { form } = draft;
  if (!draft.changed || draft.conflict || !form.isConnected) return;
  await send(draft, { sent: values(form), body: new FormData(form) });
}

/** Send one state of a form; resolves to whether the server has answered. */
async function send(draft, state) {
  draft.unanswered = state;
  draft.sent = true;
  draft.keep();
  const headers = { Accept: "application/json", "X-Autosave": "1" };
  try {
    const response = await fetch(draft.form.action, { method: "POST", body: state.body, headers, keepalive: true });
    // Errors that are shown move what is below them.
    await released();
    // Nothing was stored: the database, or something in front of the forge, is away.
    if (response.status >= 500) throw new Error(`status ${response.status}`);
    draft.unanswered = draft.sent = draft.failed = undefined;
    draft.update();
    if (response.status === 409) stop(draft);
    if (response.ok) accept(draft, state.sent, await response.json());
    return true;
  } catch {
    // Offline: the draft is kept in this browser tab, and sent again until there is an answer.
    draft.failed = true;
    draft.update();
    waiting ??= setTimeout(sendAgain, AGAIN);
    return false;
  }
}

function sendAgain() {
  clearTimeout(waiting);
  waiting = null;
  for (const draft of open()) sending = sending.then(() => draft.failed && send(draft, draft.unanswered));
}

function accept(draft, sent, { saved, errors, base, at }) {
  draft.form.elements.base.value = base;
  const now = h("time", { datetime: at, "data-time": "clock" }, new Date(at).toTimeString().slice(0, 5));
  if (saved.length) draft.words = ["Saved ", now];
  draft.accept(saved, sent);
  showErrors(draft, errors);
  if (saved.length) renewSoon();
}

function stop(draft) {
  draft.conflict = true;
  draft.words = ["Saved elsewhere too. Save to compare."];
  draft.keep();
}

/** Show the errors of the fields that were changed here; the others are not this reader's doing yet. */
function showErrors({ form, served }, errors) {
  const before = JSON.parse(served);
  const now = values(form);
  for (const old of form.querySelectorAll("[data-left]")) {
    delete old.closest(".field")?.dataset.invalid;
    old.remove();
  }
  for (const [name, texts] of Object.entries(errors)) {
    const field = form.querySelector(`[name="${CSS.escape(name)}"], [data-field="${CSS.escape(name)}"]`)?.closest(".field");
    if (!field || JSON.stringify(part(before, name)) === JSON.stringify(part(now, name))) continue;
    field.dataset.invalid = "";
    field.querySelector(".field-error")?.remove();
    field.append(h("p", { class: "field-error", role: "alert", "data-left": true }, texts.join(" ")));
  }
}

// A choice that htmx answers (a preset, a provider) is not saved before its answer has filled in the rest.
document.addEventListener("change", ({ target }) => {
  const form = target.form;
  if (!form || !drafts.has(form) || target.closest("[data-hx-get], [data-hx-post]:not(form)")) return;
  flush();
});
document.addEventListener("visibilitychange", () => { if (document.hidden) flush(); });

// What htmx sends for a form, whose answer takes its place, and what this sends follow one another: an answer that is
// older than the other's save would bring back the base from before it, and the next save would conflict with this reader's own.
document.addEventListener("htmx:confirm", (event) => {
  const { target, etc, issueRequest } = event.detail;
  if (!target.closest("form[data-autosave]")) return;
  event.preventDefault();
  etc.returnPromise = true;
  sending = sending.then(() => issueRequest(true)).catch(() => {});
});

// What was being saved when the page was left, by a reload for example.
addEventListener("DOMContentLoaded", () => { if (open().some((draft) => draft.sent)) flush(); });

let passing = null;

// Whatever else is sent from the page comes after what is open, and not at all while that can't be saved.
document.addEventListener("submit", (event) => {
  const { target: form, submitter } = event;
  if (form.method === "dialog") return;
  if (drafts.has(form) || form === passing || !open().length) {
    passing = null;
    leaving = !drafts.has(form) || !("autosave" in form.dataset);
    // What a script sends does not leave the page.
    setTimeout(() => { if (event.defaultPrevented) leaving = false; });
    return;
  }
  event.preventDefault();
  event.stopImmediatePropagation();
  // With nothing to save, this would run before the event's end, when the browser ignores a second submission.
  flush().then(() => setTimeout(() => pass(form, submitter)));
}, true);

function pass(form, submitter) {
  form.dispatchEvent(new CustomEvent("forms:rest", { bubbles: true }));
  if (changed()) return refuse();
  // Newer renditions may have taken the form's or its button's place while this waited; they are pressed all the same.
  passing = form.isConnected ? form : [...document.forms].find((each) => each.action === form.action);
  passing?.requestSubmit(!submitter || submitter.form === passing ? submitter : twin(passing, submitter));
}

function twin(form, submitter) {
  const buttons = [...form.elements].filter((each) => each.type === "submit");
  return buttons.find((each) => each.name === submitter?.name && each.value === submitter?.value) ?? buttons[0] ?? null;
}

/** Let the form show what is wrong with it, in place of what was asked for. */
function refuse() {
  for (const { form } of open()) form.requestSubmit();
}

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[href]");
  const plain = !event.defaultPrevented && event.button === 0 && !(event.metaKey || event.ctrlKey || event.shiftKey);
  if (!link || !plain || link.target || link.hasAttribute("download") || link.hash || !open().some((d) => d.changed)) return;
  event.preventDefault();
  flush().then(() => location.assign(link.href));
});

addEventListener("online", sendAgain);
addEventListener("beforeunload", (event) => { if (!leaving && (changed() || hasTyped())) event.preventDefault(); });
// Signed out elsewhere, htmx leads to the sign-in: what is open is kept in this browser tab and is back afterwards.
document.addEventListener("htmx:beforeOnLoad", ({ detail }) => {
  if (detail.xhr.status === 401 && !hasTyped()) leaving = true;
});
// Back from another page, as it was left.
addEventListener("pageshow", ({ persisted }) => { if (persisted) leaving = false; });
