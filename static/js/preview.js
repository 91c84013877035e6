// The prompt of the form in front of somebody, on `data-preview`: htmx asks for it as the form changes, and on
// `preview:stale`, once what is saved of the other tabs changed elsewhere.
const preview = document.querySelector("[data-preview]");

function words(element) {
  return element?.textContent.replace(/\s+/g, " ").trim();
}

let saved = words(preview);

document.addEventListener("parts:renewed", ({ detail }) => {
  const now = words(detail.page.querySelector("[data-preview]"));
  if (!preview || !now || now === saved) return;
  saved = now;
  preview.dispatchEvent(new CustomEvent("preview:stale"));
});
