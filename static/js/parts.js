// A page is a rendition of what the server knows: when a record says that something changed, the page is fetched again
// and each `data-part` is replaced by the part of the same name, the title and the icon too. The rest, above all forms
// and the log, stays as it is. A part with a `data-shape` is left alone as long as its shape is the same: a chat keeps
// itself up, but there is none before there is a build. `parts:stale` asks for the page at once.
// `data-renew="3"` asks for the page again every 3 s while somebody looks: for what belongs to the machine, or a place
// in a queue whose workers may hang, so that no stream tells of it. What somebody typed or chose in a part stays.
import { announce, on } from "./dom.js";
import { collect } from "./live.js";
import { released } from "./press.js";
import { carry } from "./typed.js";

// Records after which the page may be wrong; on the pages of an agent also the end of an answer.
const KINDS = ["status", "target", "step", "section", "end", "build", "draft", "deployment", "evaluation", "conversation"];
const GIVE_UP = 5;
let timer = null;
let later = null;
let busy = false;
let again = false;
let failures = 0;
let unseen = false;

/** Read a page for its parts, to be shown now: {page}, none without a whole answer, or {gone} if there is no such page. */
export async function readPage(url) {
  const headers = { Accept: "text/html", "X-Parts": "1" };
  const response = await fetch(url, { headers }).catch(() => null);
  if (!response?.ok || response.redirected) return { gone: response?.status === 404 };
  const text = await response.text().catch(() => "");
  await released();
  return text ? { page: new DOMParser().parseFromString(text, "text/html") } : {};
}

/** Read the page again soon, once for everything that happens at the same time. */
export function renewSoon(delay = 80) {
  clearTimeout(timer);
  timer = setTimeout(renew, delay);
}

async function renew() {
  if (busy) {
    again = true;
    return;
  }
  busy = true;
  again = false;
  const asked = performance.now();
  try {
    const response = await fetch(location.href, { headers: { Accept: "text/html", "X-Parts": "1" } });
    // The server can't at present: what it would show is still to be shown.
    if (response.status >= 500) throw new Error(response.status);
    // A page that answered a form, or whose reader was signed out, can't be read again.
    if (response.ok && !response.redirected) {
      const page = new DOMParser().parseFromString(await response.text(), "text/html");
      await released();
      show(page, asked);
    } else if (response.status === 404) document.dispatchEvent(new CustomEvent("parts:gone"));
    failures = 0;
  } catch {
    failures += 1;
    if (failures < GIVE_UP) renewSoon(1000 * failures);
  }
  busy = false;
  if (again) renewSoon();
  renewLater();
}

function renewLater() {
  clearTimeout(later);
  const seconds = Math.min(...[...document.querySelectorAll("[data-renew]")].map((part) => part.dataset.renew));
  if (seconds < Infinity && !document.hidden) later = setTimeout(renewSoon, 1000 * seconds, 0);
}

function show(page, asked) {
  const said = summary();
  for (const part of document.querySelectorAll("[data-part]")) {
    const fresh = page.querySelector(`[data-part="${CSS.escape(part.dataset.part)}"]`);
    if (part.querySelector("form[data-sending]")) continue;
    if (fresh && !isKept(part, fresh)) replace(part, document.adoptNode(fresh));
  }
  document.title = page.title;
  const [icon, now] = [document, page].map((each) => each.querySelector("[data-favicon]"));
  if (icon && now) icon.href = now.dataset[now.dataset.favicon] ?? icon.href;
  if (summary() !== said) announce(summary());
  document.dispatchEvent(new CustomEvent("parts:renewed", { detail: { page, asked } }));
}

function isKept(part, fresh) {
  if (part.isEqualNode(fresh)) return true;
  return "shape" in part.dataset && part.dataset.shape === fresh.dataset.shape;
}

function summary() {
  return document.querySelector(".summary")?.textContent.replace(/\s+/g, " ").trim() ?? "";
}

const FOCUSABLE = "a[href], button, input, select, textarea, summary";

/** Where the focus is: a field is known by its id or name, a link by its address, anything else by its number. */
function placeOf(element, part) {
  const { id, name, href, value, selectionStart, selectionEnd, selectionDirection, scrollTop } = element;
  const number = [...part.querySelectorAll(FOCUSABLE)].indexOf(element);
  const isText = typeof selectionStart === "number";
  const selection = isText && [selectionStart, selectionEnd, selectionDirection];
  return { id, name, href, number, selection, scrollTop, value: isText ? null : value, action: element.form?.action };
}

function restoreFocus(fresh, { id, name, href, number, selection, scrollTop, value, action }) {
  const all = [...fresh.querySelectorAll(FOCUSABLE)];
  const isSame = (each) => each.name === name && each.form?.action === action && (selection || each.value === value);
  const found = (id && all.find((each) => each.id === id)) || (name && all.find(isSame));
  const link = href && all[number]?.href !== href && all.find((each) => each.href === href);
  const element = found || link || (id || name ? null : all[number]);
  element?.focus({ preventScroll: true });
  if (!element || !selection) return;
  element.setSelectionRange(...selection);
  element.scrollTop = scrollTop;
}

/** Put a newer rendition of a part in its place, where the focus, open details and scrolling stay. */
export function replace(part, fresh) {
  const focus = part.contains(document.activeElement) ? placeOf(document.activeElement, part) : null;
  for (const details of part.querySelectorAll("details[id]")) {
    const same = fresh.querySelector(`details[id="${CSS.escape(details.id)}"]`);
    if (same) same.open = details.open;
  }
  carry(part, fresh);
  const scrolled = part.querySelector(".rail-tabs")?.scrollLeft;
  part.replaceWith(fresh);
  if (scrolled) fresh.querySelector(".rail-tabs").scrollLeft = scrolled;
  if (focus) restoreFocus(fresh, focus);
  for (const element of [fresh, ...fresh.querySelectorAll("[data-live]")]) collect(element.dataset.live ?? "");
  fresh.dispatchEvent(new CustomEvent("parts:replaced", { bubbles: true }));
}

const icon = document.querySelector("[data-favicon]");
if (icon) icon.href = icon.dataset[icon.dataset.favicon] ?? icon.href;

for (const kind of KINDS) on(kind, "", () => renewSoon());
// Of what happens elsewhere in the account, a page hears too; one that nobody looks at is read again once somebody does.
function renewSeen() {
  if (document.hidden) unseen = true;
  else renewSoon();
}
on("account", "", renewSeen);
on("activity", "", () => { if (document.querySelector("[data-part=activity]")) renewSeen(); });
on("process", "", ({ status }) => { if (status) renewSoon(); });
on("chat", "", ({ event }) => { if (["done", "error"].includes(event.type)) renewSoon(); });

document.addEventListener("forms:rest", () => renewSoon());
document.addEventListener("parts:stale", () => renewSoon(0));
document.addEventListener("visibilitychange", () => {
  if (unseen && !document.hidden) renewSoon(0);
  unseen &&= document.hidden;
  renewLater();
});
renewLater();
