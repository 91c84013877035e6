// What somebody typed or chose and did not send: it moves to a newer rendition of its form, and a form that is sent to
// the server takes that of the page's other forms along in this browser tab (sessionStorage). Secrets are never kept:
// before one would be lost, the page asks.
import { refresh } from "./forms.js";

const FIELDS = ":is(input, select, textarea)[name]";
const TEXT = "textarea, input:not([type=checkbox], [type=radio], [type=range], [type=hidden])";
const SECRET = "[type=password], [autocomplete=one-time-code], [data-secret] *";
// All but those that keep what is typed themselves.
const OTHERS = "main form[method=post]:not([data-draft], [data-chat-form])";

function isBox(field) {
  return field.type === "checkbox" || field.type === "radio";
}

function isChanged(field) {
  if (isBox(field)) return field.checked !== field.defaultChecked;
  if (!field.options) return field.type !== "hidden" && field.value !== field.defaultValue;
  const first = [...field.options].find((option) => option.defaultSelected) ?? field.options[0];
  return field.selectedOptions[0] !== first;
}

/** Where a form is sent: without an address of its own, to that of its page. */
function addressOf(form) {
  return form?.action.split("#")[0];
}

/** What was changed in fields, as `put` takes it. */
function changes(fields) {
  return [...fields]
    .filter((field) => field.matches(FIELDS) && field.type !== "file" && isChanged(field))
    .map((field) => ({
      action: addressOf(field.form), id: field.id, name: field.name, value: field.value,
      ...(isBox(field) && { checked: field.checked }),
    }));
}

/** Give a field of `root` what was typed into its predecessor; return it if there is one. */
function put(root, { action, id, name, value, checked }) {
  // Several forms may ask for the same.
  const same = [...root.querySelectorAll(`[name="${CSS.escape(name)}"]`)]
    .filter(({ form }) => !form || addressOf(form) === action);
  const target = same.find((each) => (checked === undefined ? each.id === id : each.value === value));
  if (!target) return null;
  if (checked !== undefined) target.checked = checked;
  else if (!target.options || [...target.options].some((option) => option.value === value)) target.value = value;
  return target;
}

/** Give the fields of a fresh rendering what somebody typed or chose in its predecessor. */
export function carry(former, fresh) {
  for (const change of changes(former.querySelectorAll(FIELDS))) put(fresh, change);
}

function forms() {
  return document.querySelector("[data-palette]") ? [...document.querySelectorAll(OTHERS)] : [];
}

/** Whether something is typed that leaving this page would lose: in forms that nothing else keeps, of who is signed in. */
export function hasTyped() {
  return forms().some((form) => [...form.elements].some((field) => field.matches(TEXT) && isChanged(field)));
}

// Of one account: several people may sign in in one browser tab.
const KEPT = `typed:${document.body.dataset.liveAccount}`;

function kept() {
  return JSON.parse(sessionStorage.getItem(KEPT) ?? "[]");
}

function keep(list) {
  if (list.length) sessionStorage.setItem(KEPT, JSON.stringify(list));
  else sessionStorage.removeItem(KEPT);
}

function restore() {
  keep(kept().filter((change) => {
    const field = put(document.querySelector("main"), change);
    const details = field?.closest("details");
    if (details) details.open = true;
    return !field;
  }));
  refresh();
}

const LOST = "The key or password that you typed in another form of this page was not sent and is not kept. Go on without it?";

// Once nothing else wants the event: what a script sends does not leave the page.
addEventListener("submit", (event) => {
  const { target: form } = event;
  if (event.defaultPrevented || form.method !== "post") return;
  const fields = forms().filter((each) => each !== form).flatMap((each) => [...each.elements]);
  const [secret, plain] = [true, false].map((is) => fields.filter((field) => field.matches(SECRET) === is));
  if (changes(secret).length && !confirm(LOST)) {
    event.preventDefault();
    form.dispatchEvent(new CustomEvent("forms:rest", { bubbles: true }));
  } else keep([...kept(), ...changes(plain)]);
});
restore();
