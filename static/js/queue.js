// Where a build waits, on `data-queue="build-4"`: the queue tells each build's stream when it moves, in words.
import { on } from "./dom.js";

const begun = new Set();

function spots(channel) {
  return document.querySelectorAll(`[data-queue="${CSS.escape(channel)}"]`);
}

on("queue", "", ({ words }, seq, channel) => {
  // It is told after the queue moved, perhaps when the build has left it.
  if (begun.has(channel)) return;
  for (const spot of spots(channel)) spot.textContent = words;
});

on("status", "", ({ status }, seq, channel) => {
  if (status === "queued") return begun.delete(channel);
  begun.add(channel);
  for (const spot of spots(channel)) spot.textContent = "";
});
