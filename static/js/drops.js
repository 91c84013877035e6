// A form with `data-drop` takes a file that is dropped anywhere on the page into its file field. Where files go together
// (files.js), it takes folders too, and hands over what they hold with its paths.
import { announce } from "./dom.js";

const form = document.querySelector("form[data-drop]");
const field = form?.querySelector("input[type=file]");
const zone = field?.closest(".drop");

function holdsFiles(event) {
  return Boolean(field) && event.dataTransfer?.types.includes("Files");
}

/** Return the files of an entry that was dropped, each with its path. */
async function filesOf(entry) {
  if (entry.isFile) {
    const file = await new Promise((resolve, reject) => { entry.file(resolve, reject); });
    return [{ file, path: entry.fullPath.replace(/^\//, "") }];
  }
  const reader = entry.createReader();
  const found = [];
  // A reader hands over a part at a time, and nothing at the end.
  for (;;) {
    const part = await new Promise((resolve, reject) => { reader.readEntries(resolve, reject); });
    if (!part.length) return (await Promise.all(found.map(filesOf))).flat();
    found.push(...part);
  }
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
  const entries = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (form.dataset.files === "together" && entries.some((entry) => entry.isDirectory)) {
    Promise.all(entries.map(filesOf)).then((found) => {
      form.dispatchEvent(new CustomEvent("files:dropped", { detail: found.flat() }));
    }, () => announce("The folder could not be read. Add it as a zip archive."));
    return;
  }
  field.files = event.dataTransfer.files;
  field.dispatchEvent(new Event("change", { bubbles: true }));
});
