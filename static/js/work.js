// Work in progress: the header's `data-work` counts the account's running builds on every page; the title and the
// icon (`data-favicon`) follow the page's own channel, `data-subject` on <body>.
import { on } from "./dom.js";
import { plural } from "./formats.js";
import { follow } from "./live.js";

const icon = document.querySelector("[data-favicon]");
const work = document.querySelector("[data-work]");
const title = document.title;
const running = new Set((work?.dataset.live ?? "").split(/\s+/).filter(Boolean).map((token) => token.split(":")[0]));
const ICONS = { queued: "running", running: "running", succeeded: "done", ready: "done", failed: "failed",
  invalid: "failed" };
const WORDS = { queued: "Queued", running: "Running", succeeded: "Succeeded", failed: "Failed", cancelled: "Cancelled",
  ready: "Ready", invalid: "Needs attention" };

function showStatus(status) {
  if (icon) icon.href = icon.dataset[ICONS[status] ?? "idle"];
  document.title = WORDS[status] ? `${WORDS[status]} – ${title}` : title;
}

function count(channel, status) {
  if (!channel.startsWith("build-")) return; // deployments are not counted
  if (status === "queued" || status === "running") running.add(channel);
  else running.delete(channel);
  if (!work) return;
  work.hidden = !running.size;
  work.querySelector("[data-work-words]").textContent = `${plural(running.size, "build")} under way`;
}

if (icon) icon.href = icon.dataset[icon.dataset.favicon] ?? icon.href;

on("status", "", ({ status }, seq, channel) => {
  count(channel, status);
  for (const badge of document.querySelectorAll(`[data-status-of="${CSS.escape(channel)}"]`)) {
    badge.dataset.state = status;
    badge.textContent = WORDS[status] ?? status;
  }
  if (!document.body.dataset.subject || document.body.dataset.subject === channel) showStatus(status);
});
on("process", "", ({ status }) => { if (status) showStatus(status); });
on("build", "", ({ build, status }) => {
  const channel = `build-${build}`;
  count(channel, status);
  if (status === "queued" || status === "running") follow(channel);
});
