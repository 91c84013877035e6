// The catalogue of tools, on `data-tools`: its search hides the cards without the words, and choosing a tool shows its
// settings. Without this script, every card is shown and opened by hand.
function search(catalogue) {
  const words = catalogue.querySelector("[data-tools-query]").value.toLowerCase().split(/\s+/).filter(Boolean);
  const cards = [...catalogue.querySelectorAll("[data-tool]")];
  for (const card of cards) card.hidden = !words.every((word) => card.dataset.words.includes(word));
  catalogue.querySelector("[data-tools-none]").hidden = cards.some((card) => !card.hidden);
}

document.addEventListener("input", ({ target }) => {
  if (target.matches("[data-tools-query]")) search(target.closest("[data-tools]"));
});
document.addEventListener("change", ({ target }) => {
  const settings = target.matches('[name="tools"]') && target.closest("[data-tool]")?.querySelector("details");
  if (settings) settings.open = target.checked;
});
// Enter in the search would save the form.
document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && event.target.matches("[data-tools-query]")) event.preventDefault();
});
