// A build's steps, on `data-steps` with `data-channel`: `live:step` sets the state, word and duration of its `data-step`.
import { duration, h, on } from "./dom.js";

const WORDS = { running: "running", done: "done", failed: "failed" };

for (const list of document.querySelectorAll("[data-steps]")) {
  on("step", list.dataset.channel, ({ name, state, ms, section = "" }) => {
    let item = [...list.children].find((child) => child.dataset.step === name && (child.dataset.section ?? "") === section);
    if (!item) {
      item = h("li", { class: "step", "data-step": name, "data-section": section }, h("span", { class: "step-name" }, name));
      item.append(h("span", { class: "step-word" }), h("span", { class: "step-ms" }));
      list.append(item);
    }
    item.dataset.state = state;
    item.querySelector(".step-word").textContent = WORDS[state] ?? state;
    item.querySelector(".step-ms").textContent = ms === undefined ? "" : duration(ms);
  });
}
