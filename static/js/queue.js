// A build's position in the queue, on `data-queue="build-4"`: `live:queue` brings it as text whenever the queue
// moves.
import { on } from "./dom.js";

const started = new Set();

function elementsOf(channel) {
  return document.querySelectorAll(`[data-queue="${CSS.escape(channel)}"]`);
}

on("queue", "", ({ words }, seq, channel) => {
  // The record is sent after the queue moved; by then the build may have left it.
  if (started.has(channel)) return;
  for (const element of elementsOf(channel)) element.textContent = words;
});

on("status", "", ({ status }, seq, channel) => {
  if (status === "queued") return started.delete(channel);
  started.add(channel);
  for (const element of elementsOf(channel)) element.textContent = "";
});
