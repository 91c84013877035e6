// Drafts: a form with `data-draft="key"` keeps its unsaved values in this browser tab (sessionStorage) until the
// server has them. Secrets are never kept: no password, hidden or file inputs, nothing under `data-secret`. A form
// that htmx swaps in with errors, or with `data-unsaved`, still holds unsaved values.
import { h } from "./dom.js";
import { refresh, setField } from "./forms.js";

const SKIPPED = ["password", "hidden", "file", "submit", "button"];
const savedValues = new Map();

function values(form) {
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

function read(key) {
  try {
    return JSON.parse(sessionStorage.getItem(key));
  } catch {
    return null;
  }
}

class Draft {
  constructor(form, swapped) {
    this.form = form;
    this.key = `draft:${form.dataset.draft}`;
    this.served = JSON.stringify(values(form));
    this.note = form.querySelector("[data-saved]") ?? h("span", { class: "saved", "data-saved": true });
    if (!this.note.isConnected) form.querySelector(".actions")?.append(this.note);
    this.words = [...this.note.childNodes];
    const unsaved = "unsaved" in form.dataset || form.querySelector("[data-invalid]");
    if (!swapped) this.restore();
    else if (unsaved && savedValues.has(this.key)) this.served = savedValues.get(this.key);
    savedValues.set(this.key, this.served);
    if (swapped) this.keep();
    for (const kind of ["input", "change"]) form.addEventListener(kind, () => this.keep());
  }

  restore() {
    const stored = read(this.key);
    if (!stored) return;
    // The server's values changed since the draft was typed: it was saved, or the agent changed elsewhere.
    if (stored.served !== this.served || JSON.stringify(stored.values) === this.served) return this.drop();
    this.fill(stored.values);
    this.offerDiscard();
  }

  fill(stored) {
    for (const [name, value] of Object.entries(stored)) setField(this.form, name, value);
    refresh(this.form);
    this.form.dispatchEvent(new Event("input", { bubbles: true }));
  }

  offerDiscard() {
    const discard = h("button", { type: "button", class: "button quiet small" }, "Discard them");
    const note = h("p", { class: "draft", role: "status" }, "Your unsaved changes were kept.", discard);
    discard.addEventListener("click", () => {
      this.fill(JSON.parse(this.served));
      note.remove();
      this.keep();
    });
    this.form.prepend(note);
    this.update();
  }

  keep() {
    const now = values(this.form);
    if (JSON.stringify(now) === this.served) this.drop();
    else sessionStorage.setItem(this.key, JSON.stringify({ served: this.served, values: now }));
    this.update();
  }

  drop() {
    sessionStorage.removeItem(this.key);
  }

  update() {
    const changed = sessionStorage.getItem(this.key) !== null;
    if (changed) this.note.replaceChildren("unsaved changes");
    else this.note.replaceChildren(...this.words);
  }
}

for (const form of document.querySelectorAll("form[data-draft]")) new Draft(form, false);
document.addEventListener("htmx:load", ({ target }) => {
  if (target.matches("form[data-draft]")) new Draft(target, true);
});
