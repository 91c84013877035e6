// After a step the focus goes to the next one. What was sent from this tab leaves it to `data-next`, the first that can be
// used, as soon as it is there: a build that ends has one then. A step that was opened leaves it to the first field of
// its form; a wrong field comes before both. Whoever moves the focus decides; a page that was opened in another way starts at its top.
const KEPT = "next-step";
// What is seen until the page that answers has come is no longer what is next.
let leaving = false;

function keep(way) {
  sessionStorage.setItem(KEPT, way);
  leaving = true;
}

document.addEventListener("submit", ({ target }) => {
  if (target.method === "post") keep("next");
});
document.addEventListener("click", ({ target }) => {
  if (target.closest("a[data-next], a[data-tab]")) keep("form");
});

function usable(element) {
  return element && !element.disabled && element.checkVisibility();
}

/** The first field of the form of a tab: of radio buttons, the one that is chosen. */
function firstField() {
  const fields = [...document.querySelectorAll("#tab-form :is(input:not([type=hidden]), select, textarea)")];
  const field = fields.find(usable);
  return field?.type === "radio" ? fields.find(({ name, checked }) => name === field.name && checked) ?? field : field;
}

function focusNext() {
  const way = sessionStorage.getItem(KEPT);
  if (!way || leaving) return;
  if (document.activeElement !== document.body) return sessionStorage.removeItem(KEPT);
  const wanted = document.querySelector('main [aria-invalid="true"]') ?? document.querySelector("[autofocus]");
  const field = wanted ?? (way === "form" && firstField());
  const next = field || [...document.querySelectorAll("[data-next]")].find(usable);
  if (!next) return;
  sessionStorage.removeItem(KEPT);
  next.focus({ preventScroll: true });
}

focusNext();
// Back from another page, as it was left.
addEventListener("pageshow", ({ persisted }) => { if (persisted) leaving = false; });
// A part that is renewed before the next page has come takes nothing from it.
document.addEventListener("page:leaving", () => { leaving = true; });
document.addEventListener("parts:renewed", focusNext);
for (const kind of ["pointerdown", "focusin"]) {
  document.addEventListener(kind, () => { if (!leaving) sessionStorage.removeItem(KEPT); });
}
