// Forms: a pressed button shows what it is doing (`data-busy="Saving…"`) and can't be pressed twice; a range shows
// its value; `data-count` counts a field's characters up to `data-max`.

function setBusy(button) {
  button.setAttribute("aria-busy", "true");
  button.dataset.words = button.textContent;
  if (button.dataset.busy) button.textContent = button.dataset.busy;
}

function rest(form) {
  delete form.dataset.sending;
  for (const button of form.querySelectorAll("[aria-busy]")) {
    button.removeAttribute("aria-busy");
    if (button.dataset.words && button.dataset.busy) button.textContent = button.dataset.words;
  }
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method === "dialog") return;
  if ("sending" in form.dataset) return event.preventDefault();
  form.dataset.sending = "";
  const button = event.submitter ?? form.querySelector("button:not([type=button])");
  // The button may lie outside of the form; the submitter is the one that was pressed.
  if (button?.matches(".button")) setBusy(button);
}, true);

document.addEventListener("htmx:afterRequest", ({ target }) => { if (target.matches("form")) rest(target); });
document.addEventListener("forms:rest", ({ target }) => rest(target));
addEventListener("pageshow", ({ persisted }) => {
  if (persisted) document.querySelectorAll("form[data-sending]").forEach(rest);
});

function count(counter) {
  const field = document.getElementById(counter.dataset.count);
  if (!field) return;
  const used = [...field.value.replace(/\r\n/g, "\n")].length;
  const limit = Number(counter.dataset.max);
  counter.textContent = used < limit / 2 ? "" : `${used.toLocaleString("en")} of ${limit.toLocaleString("en")}`;
  counter.toggleAttribute("data-over", used > limit);
}

function output(range) {
  const shown = range.form?.querySelector(`output[for="${CSS.escape(range.id)}"]`);
  if (shown) shown.value = range.value;
}

/** Update counters and range outputs from their fields. */
export function refresh(root = document) {
  root.querySelectorAll("[data-count]").forEach(count);
  root.querySelectorAll("input[type=range]").forEach(output);
}

document.addEventListener("input", ({ target }) => {
  if (target.type === "range") output(target);
  const counter = target.id && document.querySelector(`[data-count="${CSS.escape(target.id)}"]`);
  if (counter) count(counter);
});

/** Set a field of a form to a value, or to a list of values. */
export function setField(form, name, value) {
  const wanted = (Array.isArray(value) ? value : [value]).map(String);
  for (const field of form.querySelectorAll(`[name="${CSS.escape(name)}"]`)) {
    if (field.type === "checkbox" || field.type === "radio") {
      field.checked = typeof value === "boolean" ? value : wanted.includes(field.value);
    } else field.value = wanted[0] ?? "";
  }
}

// A form that htmx swaps in gets its counters, and announces its values as input: the preview listens for that.
document.addEventListener("htmx:load", ({ target }) => {
  refresh(target.parentElement ?? document);
  if (target.matches("form")) target.dispatchEvent(new Event("input", { bubbles: true }));
});
refresh();
