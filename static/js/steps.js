// The steps of a build or deployment, on `data-steps` with `data-channel`: `live:step` sets the state, word and
// duration of its `data-step`; what its targets say of their steps comes with the page's parts.
import { h, on } from "./dom.js";
import { duration } from "./formats.js";

function stepElement(name, section) {
  const parts = [["step-name", name], ["step-word", ""], ["step-ms", ""]];
  const spans = parts.map(([className, text]) => h("span", { class: className }, text));
  return h("li", { class: "step", "data-step": name, "data-section": section }, ...spans);
}

on("step", "", ({ name, state, ms, section = "" }, seq, channel) => {
  // Looked up each time: the page replaces this part.
  for (const list of document.querySelectorAll(`[data-steps][data-channel="${CSS.escape(channel)}"]`)) {
    if ((list.dataset.section ?? section) !== section) continue;
    const isSame = ({ dataset }) => dataset.step === name && (dataset.section ?? "") === section;
    const item = [...list.children].find(isSame) ?? list.appendChild(stepElement(name, section));
    item.dataset.state = state;
    item.querySelector(".step-word").textContent = state;
    item.querySelector(".step-ms").textContent = ms === undefined ? "" : duration(ms);
  }
});
