// An open form that nobody changed here says so when its draft was saved elsewhere: by another window, or a script.
import { h } from "./dom.js";
import { drafts, values } from "./drafts.js";

function compare(draft, page, asked) {
  const { form } = draft;
  draft.elsewhere?.remove();
  if (!("autosave" in form.dataset) || draft.changed || draft.sent || draft.acceptedAt > asked) return;
  const saved = page.querySelector(`form[data-draft="${CSS.escape(form.dataset.draft)}"]`);
  if (!saved || JSON.stringify(values(saved)) === draft.served) return;
  const link = h("a", { href: location.pathname + location.search }, "Show what is saved");
  draft.elsewhere = h("p", { class: "draft", role: "status" }, "Saved elsewhere meanwhile: this form is older.", link);
  form.prepend(draft.elsewhere);
}

document.addEventListener("parts:renewed", ({ detail }) => {
  for (const draft of drafts.values()) compare(draft, detail.page, detail.asked);
});
