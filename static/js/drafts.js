// Drafts: a form with `data-draft="key"` keeps its unsaved values in this browser tab (sessionStorage) until the
// server has them. Secrets are never kept: no password, hidden or file inputs, nothing under `data-secret`. A form
// that htmx swaps in with errors, or with `data-unsaved`, still holds unsaved values. `data-settles="key"` ends a draft. A form with `data-autosave` saves
// each field when it is left, where its value is valid (./autosave.js). The rail marks each tab with unsaved values.
import { h } from "./dom.js";
import { refresh, setField } from "./forms.js";

const SKIPPED = ["password", "hidden", "file", "submit", "button"];
// The last draft of each key: what the server has of it, and the words that say so.
const saved = new Map();

/** The values of a form's fields by name; of a checkbox a list. */
export function values(form) {
  const current = {};
  for (const field of form.elements) {
    if (!field.name || SKIPPED.includes(field.type) || field.closest("[data-secret]")) continue;
    if (field.type === "checkbox") {
      current[field.name] ??= [];
      if (field.checked) current[field.name].push(field.value);
    } else if (field.type !== "radio") current[field.name] = field.value;
    else if (field.checked) current[field.name] = field.value;
  }
  return current;
}

/** The values of a field: that of its name, or of the inputs "name.…" that make it up. */
export function part(all, name) {
  return Object.fromEntries(Object.entries(all).filter(([each]) => each === name || each.startsWith(`${name}.`)));
}

function read(key) {
  try {
    return JSON.parse(sessionStorage.getItem(key));
  } catch {
    return null;
  }
}

function same(one, other) {
  return JSON.stringify(one) === JSON.stringify(other);
}

/** The form in this page whose values are kept, with what the server has of it. */
export class Draft {
  constructor(form, swapped) {
    this.form = form;
    this.key = `draft:${form.dataset.draft}`;
    this.served = JSON.stringify(values(form));
    this.note = form.querySelector("[data-saved]") ?? h("span", { class: "saved", "data-saved": true });
    if (!this.note.isConnected) form.querySelector(".actions")?.append(this.note);
    this.words = [...this.note.childNodes];
    const unsaved = "unsaved" in form.dataset || form.querySelector("[data-invalid]");
    if (!swapped) this.restore();
    else if (unsaved && saved.has(this.key)) ({ served: this.served, words: this.words } = saved.get(this.key));
    saved.set(this.key, this);
    if (swapped) this.keep();
    for (const kind of ["input", "change"]) form.addEventListener(kind, () => this.keep());
  }

  get changed() {
    return JSON.stringify(values(this.form)) !== this.served;
  }

  restore() {
    const stored = read(this.key);
    if (!stored) return;
    const [before, now] = [JSON.parse(stored.served), JSON.parse(this.served)];
    // What was typed here, whatever was saved elsewhere meanwhile.
    const typed = ([name, value]) => name in now && !same(value, before[name]) && !same(value, now[name]);
    const mine = Object.entries(stored.values).filter(typed);
    if (!mine.length) return this.drop();
    // A field that both changed is saved against what its reader saw, so that the server shows both sides.
    const { base } = this.form.elements;
    if (base && stored.base && mine.some(([name]) => !same(before[name], now[name]))) base.value = stored.base;
    this.sent = stored.sent;
    this.fill(Object.fromEntries(mine));
    this.offerDiscard();
  }

  fill(stored) {
    for (const [name, value] of Object.entries(stored)) setField(this.form, name, value);
    refresh(this.form);
    this.form.dispatchEvent(new Event("input", { bubbles: true }));
  }

  offerDiscard() {
    const discard = h("button", { type: "button", class: "button quiet small" }, "Discard them");
    this.kept = h("p", { class: "draft", role: "status" }, "Your unsaved changes were kept.", discard);
    discard.addEventListener("click", () => {
      this.fill(JSON.parse(this.served));
      this.kept.remove();
      this.keep();
    });
    this.form.prepend(this.kept);
    this.keep();
  }

  keep() {
    if (!this.changed) this.drop();
    else {
      const { served, sent, form } = this;
      const stored = { served, values: values(form), base: form.elements.base?.value, sent };
      sessionStorage.setItem(this.key, JSON.stringify(stored));
    }
    this.update();
  }

  /** The server has these fields as they were sent. */
  accept(names, sent) {
    const served = JSON.parse(this.served);
    for (const name of names) Object.assign(served, part(sent, name));
    this.served = JSON.stringify(served);
    this.acceptedAt = performance.now();
    if (!this.changed) this.kept?.remove();
    this.keep();
  }

  drop() {
    sessionStorage.removeItem(this.key);
  }

  update() {
    if (this.failed) this.note.replaceChildren("Not saved yet: no answer. Trying again.");
    else if (this.changed && !this.conflict) this.note.replaceChildren("unsaved changes");
    else {
      delete this.note.dataset.state;
      this.note.replaceChildren(...this.words);
    }
    markTabs();
  }
}

/** Mark each tab of the rail whose form holds values that are not saved. */
function markTabs() {
  const rail = document.querySelector("[data-rail]");
  for (const item of rail?.querySelectorAll("[data-checked]") ?? []) {
    const unsaved = sessionStorage.getItem(`draft:agent-${rail.dataset.agent}-${item.dataset.tab}`) !== null;
    const dot = item.querySelector(".rail-dot");
    if (unsaved && !dot) item.append(h("span", { class: "rail-dot" }, h("span", { class: "visually-hidden" }, "unsaved")));
    else if (!unsaved) dot?.remove();
  }
}

/** The draft of each form in this page. */
export const drafts = new Map();

for (const form of document.querySelectorAll("form[data-draft]")) drafts.set(form, new Draft(form, false));
// What is typed while a form is sent is no part of the answer that takes its place, and is put back into it.
const sent = new WeakMap();
let typed = [];
document.addEventListener("htmx:beforeRequest", ({ detail: { xhr, target } }) => {
  const form = target.closest("form[data-draft]");
  if (form) sent.set(xhr, values(form));
});
document.addEventListener("htmx:beforeSwap", ({ detail: { xhr, target } }) => {
  const [form, before] = [target.closest("form[data-draft]"), sent.get(xhr)];
  typed = form && before ? Object.entries(values(form)).filter(([name, value]) => !same(value, before[name])) : [];
});
document.addEventListener("htmx:afterSwap", ({ target }) => {
  for (const form of drafts.keys()) if (!form.isConnected) drafts.delete(form);
  if (target.matches("form[data-draft]")) drafts.set(target, new Draft(target, true));
  const draft = typed.length && drafts.get(target.closest("form[data-draft]"));
  if (draft) draft.fill(Object.fromEntries(typed));
  markTabs();
});
document.addEventListener("htmx:oobAfterSwap", markTabs);
document.addEventListener("parts:renewed", markTabs);
// On the page of a conflict, what was typed becomes one side of a choice, and the choice ends the draft.
for (const [kind, choices] of [["submit", "form[data-settles]"], ["click", "a[data-settles]"]]) {
  document.addEventListener(kind, ({ target }) => {
    const choice = target.closest(choices);
    if (choice) sessionStorage.removeItem(`draft:${choice.dataset.settles}`);
  });
}
// A restored draft is what the form shows: the preview, which listens for input, is ready only now.
document.addEventListener("DOMContentLoaded", () => {
  for (const draft of drafts.values()) if (draft.kept) draft.form.dispatchEvent(new Event("input", { bubbles: true }));
});
markTabs();
