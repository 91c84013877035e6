// A form with `data-files` sends its files as soon as they are chosen or dropped, one after the other, and shows how far
// each is. What the page knows of them is read again after each (parts.js).
import { announce, h } from "./dom.js";
import { size } from "./formats.js";

const form = document.querySelector("form[data-files]");
const field = form?.querySelector("input[type=file]");
const list = form?.querySelector("[data-sending-list]");
const waiting = [];
let sending = false;

/** Send one file; resolves to an error's words, or to nothing. */
function send(file, onProgress) {
  const data = new FormData(form);
  data.delete(field.name);
  data.append(field.name, file);
  const request = new XMLHttpRequest();
  request.upload.addEventListener("progress", ({ loaded, total }) => onProgress(loaded, total));
  return new Promise((resolve) => {
    request.addEventListener("load", () => resolve(request.status === 201 ? "" : words(request)));
    request.addEventListener("error", () => resolve(`“${file.name}” was not sent. Check the connection, then add it again.`));
    request.open("POST", form.action);
    request.setRequestHeader("Accept", "application/json");
    request.send(data);
  });
}

function words({ status, responseText }) {
  try {
    const { errors, detail } = JSON.parse(responseText);
    return errors ? Object.values(errors).flat().join(" ") : detail;
  } catch {
    return `The forge answered ${status}. Reload the page, then add the file again.`;
  }
}

async function sendAll() {
  if (sending) return;
  sending = true;
  while (waiting.length) {
    const file = waiting.shift();
    const bar = h("progress", { "aria-label": `Upload of ${file.name}`, max: Math.max(file.size, 1), value: 0 });
    const meta = h("span", { class: "row-meta" }, size(file.size));
    const row = h("li", { class: "row" }, h("span", { class: "row-main break" }, file.name), bar, meta);
    list.append(row);
    list.hidden = false;
    const error = await send(file, (loaded, total) => {
      [bar.value, bar.max] = [loaded, total];
    });
    if (error) {
      bar.remove();
      meta.remove();
      row.append(h("span", { class: "field-error" }, error));
      announce(error);
    } else {
      row.remove();
      list.hidden = !list.children.length;
    }
    document.dispatchEvent(new CustomEvent("parts:stale"));
  }
  sending = false;
}

if (field) {
  field.addEventListener("change", () => {
    for (const row of list.querySelectorAll("li:has(.field-error)")) row.remove();
    waiting.push(...field.files);
    field.value = "";
    sendAll();
  });
}
