// A form with `data-drop` takes a file that is dropped anywhere on the page into its file field.

const form = document.querySelector("form[data-drop]");
const field = form?.querySelector("input[type=file]");
const zone = field?.closest(".drop");

function holdsFiles(event) {
  return Boolean(field) && event.dataTransfer?.types.includes("Files");
}

function mark(over) {
  zone?.toggleAttribute("data-over", over);
}

addEventListener("dragover", (event) => {
  if (!holdsFiles(event)) return;
  event.preventDefault();
  mark(true);
});

addEventListener("dragleave", (event) => { if (!event.relatedTarget) mark(false); });

addEventListener("drop", (event) => {
  if (!holdsFiles(event)) return;
  event.preventDefault();
  mark(false);
  field.files = event.dataTransfer.files;
  field.dispatchEvent(new Event("change", { bubbles: true }));
});
