// Times for people: `<time data-time datetime="…">` becomes "2 minutes ago" with the exact time on hover,
// `data-time="clock"` the reader's own 12:04; `data-elapsed="ISO time"` counts up from that time.
import { duration, relative } from "./formats.js";

function refresh() {
  for (const element of document.querySelectorAll("time[data-time]")) {
    const at = new Date(element.dateTime);
    if (isNaN(at)) continue;
    element.textContent = element.dataset.time === "clock" ? at.toTimeString().slice(0, 5) : relative(at);
    element.title ||= at.toLocaleString([], { dateStyle: "medium", timeStyle: "medium" });
  }
}

function tick() {
  for (const element of document.querySelectorAll("[data-elapsed]")) {
    element.textContent = duration(Math.max(0, Date.now() - new Date(element.dataset.elapsed)));
  }
}

refresh();
tick();
setInterval(refresh, 20000);
setInterval(tick, 100);
document.addEventListener("htmx:load", refresh);
document.addEventListener("parts:renewed", () => {
  refresh();
  tick();
});
