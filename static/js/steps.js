// The steps of a build or deployment, on `data-steps` with `data-channel`: `live:step` sets the state, word and
// duration of its `data-step`.
import { h, on } from "./dom.js";
import { duration } from "./formats.js";

function stepElement(name, section) {
  const parts = [["step-name", name], ["step-word", ""], ["step-ms", ""]];
  const spans = parts.map(([className, text]) => h("span", { class: className }, text));
  return h("li", { class: "step", "data-step": name, "data-section": section }, ...spans);
}

for (const list of document.querySelectorAll("[data-steps]")) {
  on("step", list.dataset.channel, ({ name, state, ms, section = "" }) => {
    const isSame = ({ dataset }) => dataset.step === name && (dataset.section ?? "") === section;
    const item = [...list.children].find(isSame) ?? list.appendChild(stepElement(name, section));
    item.dataset.state = state;
    item.querySelector(".step-word").textContent = state;
    item.querySelector(".step-ms").textContent = ms === undefined ? "" : duration(ms);
  });
}
