// Menus (`data-menu` on <details>) close on Escape and on a click elsewhere; `data-open="#id"` opens a dialog and
// `data-close` closes it; `data-copy="#id"` copies that element's text.
import { copyText, toast } from "./dom.js";

document.addEventListener("click", async ({ target }) => {
  for (const menu of document.querySelectorAll("[data-menu][open]")) if (!menu.contains(target)) menu.open = false;
  const opener = target.closest("[data-open]");
  if (opener) document.querySelector(opener.dataset.open)?.showModal();
  target.closest("[data-close]")?.closest("dialog").close();
  const copier = target.closest("[data-copy]");
  if (copier) {
    await copyText(document.querySelector(copier.dataset.copy).textContent.trim());
    toast("Copied.", "success");
  }
});

document.addEventListener("keydown", ({ key }) => {
  if (key !== "Escape") return;
  const menu = document.querySelector("[data-menu][open]");
  if (!menu) return;
  menu.open = false;
  menu.querySelector("summary").focus();
});

// On a narrow page the preview starts closed: the form comes first.
function place(root) {
  for (const preview of root.querySelectorAll("details.preview")) {
    if (matchMedia("(max-width: 1023.98px)").matches) preview.open = false;
    // Until here the stylesheet draws it closed there, so that nothing moves.
    preview.dataset.placed = "";
  }
}

place(document);
document.addEventListener("parts:replaced", ({ target }) => place(target));
