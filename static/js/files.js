// A form with `data-files` sends its files as soon as they are chosen or dropped, one after the other, and shows how far
// each is. What the page knows of them is read again after each (parts.js). With `data-files="together"` archives go by
// themselves and all other files as one, with their paths.
import { announce, h } from "./dom.js";
import { size } from "./formats.js";

const form = document.querySelector("form[data-files]");
const field = form?.querySelector("input[type=file]");
const list = form?.querySelector("[data-sending-list]");
const together = form?.dataset.files === "together";
const waiting = [];
let sending = false;

/** Return what is sent at once, each a list of files with their paths. */
function batches(files) {
  if (!together) return files.map((file) => [file]);
  const archives = files.filter(({ path }) => /\.(zip|skill)$/i.test(path));
  const others = files.filter((file) => !archives.includes(file));
  return [...archives.map((file) => [file]), ...(others.length ? [others] : [])];
}

/** Send files; resolves to what was refused, and to what there is to know of the rest, in words. */
function send(files, onProgress) {
  const data = new FormData(form);
  for (const name of [field.name, "text"]) data.delete(name);
  for (const { file, path } of files) {
    data.append(field.name, file);
    if (together) data.append("paths", path);
  }
  const request = new XMLHttpRequest();
  request.upload.addEventListener("progress", ({ loaded, total }) => onProgress(loaded, total));
  return new Promise((resolve) => {
    request.addEventListener("load", () => resolve(outcome(request)));
    request.addEventListener("error", () => {
      const words = `“${titleOf(files)}” was not sent. Check the connection, then add it again.`;
      resolve({ refused: [words], notes: [] });
    });
    request.open("POST", form.action);
    request.setRequestHeader("Accept", "application/json");
    request.send(data);
  });
}

function outcome({ status, responseText }) {
  try {
    const { errors, detail, refused = [], notes = [] } = JSON.parse(responseText);
    if (status === 201) return { refused, notes };
    return { refused: errors ? Object.values(errors).flat() : [detail], notes };
  } catch {
    return { refused: [`The forge answered ${status}. Reload the page, then add the file again.`], notes: [] };
  }
}

function titleOf(files) {
  return files.length === 1 ? files[0].path : `${files.length} files`;
}

async function sendAll() {
  if (sending) return;
  sending = true;
  while (waiting.length) {
    const files = waiting.shift();
    const bytes = files.reduce((sum, { file }) => sum + file.size, 0);
    const title = titleOf(files);
    const bar = h("progress", { "aria-label": `Upload of ${title}`, max: Math.max(bytes, 1), value: 0 });
    const meta = h("span", { class: "row-meta" }, size(bytes));
    const row = h("li", { class: "row" }, h("span", { class: "row-main break" }, title), bar, meta);
    list.append(row);
    list.hidden = false;
    const { refused, notes } = await send(files, (loaded, total) => {
      [bar.value, bar.max] = [loaded, total];
    });
    tell(row, [bar, meta], refused, notes);
    document.dispatchEvent(new CustomEvent("parts:stale"));
  }
  sending = false;
}

/** Show in place of a bar what was refused and left out; nothing of what went well. */
function tell(row, progress, refused, notes) {
  if (!refused.length && !notes.length) {
    row.remove();
    list.hidden = !list.children.length;
    return;
  }
  for (const part of progress) part.remove();
  const words = h("div", { class: "stack" });
  words.append(...refused.map((text) => h("p", { class: "field-error" }, text)));
  words.append(...notes.map((text) => h("p", { class: "hint" }, text)));
  row.dataset.told = "";
  row.append(words);
  announce([...refused, ...notes].join(" "));
}

function take(files) {
  for (const row of list.querySelectorAll("li[data-told]")) row.remove();
  waiting.push(...batches(files));
  sendAll();
}

if (field) {
  field.addEventListener("change", () => {
    take([...field.files].map((file) => ({ file, path: file.webkitRelativePath || file.name })));
    field.value = "";
  });
  // What a folder held that was dropped (drops.js).
  form.addEventListener("files:dropped", ({ detail }) => take(detail));
}
