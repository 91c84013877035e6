// Uploads of a build's files, on `data-uploads` with the build's channel: `live:upload` moves the bar of its file.
import { h, on } from "./dom.js";
import { size } from "./formats.js";

function rowOf(list, key, name) {
  const existing = [...list.children].find((row) => row.dataset.upload === key);
  if (existing) return existing;
  const row = h("li", { class: "row", "data-upload": key }, h("span", { class: "row-main" }, name));
  row.append(h("progress", { "aria-label": `Upload of ${name}` }), h("span", { class: "row-meta" }));
  list.append(row);
  return row;
}

on("upload", "", ({ name, section = "", sent, total }, seq, channel) => {
  // Looked up each time: the page replaces this part when the build starts.
  for (const list of document.querySelectorAll(`[data-uploads="${CSS.escape(channel)}"]`)) {
    const row = rowOf(list, `${section}/${name}`, name);
    const bar = row.querySelector("progress");
    bar.max = Math.max(total, 1);
    bar.value = total ? sent : 1;
    const state = sent >= total ? `${size(total)} stored` : `${size(sent)} of ${size(total)}`;
    row.querySelector(".row-meta").textContent = state;
  }
});
