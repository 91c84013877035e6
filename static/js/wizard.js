// The tab rail, on `data-rail` (see templates/configs/_rail.html): `live:process` moves each `data-tab` from pending
// to checking to valid or invalid, with its duration. The browser tab that started the run (the form `data-process`)
// then opens the first invalid tab; others only show it.
import { announce, h, on } from "./dom.js";
import { duration } from "./formats.js";

const rail = document.querySelector("[data-rail]");
const WORDS = { pending: "not checked", checking: "checking", valid: "valid", invalid: "invalid", outdated: "changed" };
const ENDS = ["ready", "invalid", "failed"];
const STARTED = `process:${location.pathname.split("/").slice(0, 3).join("/")}`;

function find(name) {
  return rail.querySelector(`[data-rail-${name}]`);
}

function show({ tab, state, ms }) {
  const item = rail.querySelector(`[data-tab="${CSS.escape(tab)}"]`);
  if (!item) return;
  item.dataset.state = state;
  item.querySelector(".rail-word").textContent = WORDS[state] ?? state;
  item.querySelector(".rail-ms").textContent = ms === undefined ? "" : duration(ms);
  if (state !== "pending") announce(`${item.querySelector(".rail-name").textContent}: ${WORDS[state]}`);
}

function restart(run) {
  rail.dataset.run = run;
  for (const { dataset } of rail.querySelectorAll("[data-tab][data-checked]")) {
    show({ tab: dataset.tab, state: "pending" });
  }
  find("notes")?.replaceChildren();
}

function addNote(text) {
  const list = find("notes");
  list.hidden = false;
  list.append(h("li", {}, text));
}

function finish(status, isLive) {
  rail.dataset.status = status;
  const words = find("outcome");
  words.textContent = words.getAttribute(`data-words-${status}`) ?? "";
  if (find("ready")) find("ready").hidden = status !== "ready";
  const own = sessionStorage.getItem(STARTED);
  if (!ENDS.includes(status)) return;
  sessionStorage.removeItem(STARTED);
  const wrong = rail.querySelector('[data-state="invalid"]');
  if (own && status === "invalid" && wrong && !wrong.ariaCurrent) location.assign(wrong.href);
  else if (own && isLive && status === "invalid") location.reload();
}

function receive(record) {
  if (record.run < Number(rail.dataset.run)) return;
  if (record.run > Number(rail.dataset.run)) restart(record.run);
  if (record.tab) show(record);
  (record.notes ?? []).forEach(addNote);
  if (record.status) finish(record.status, true);
}

if (rail) {
  document.addEventListener("submit", ({ target }) => {
    if (target.matches("[data-process]")) sessionStorage.setItem(STARTED, "1");
  });
  // The run may have ended before the page connected.
  if (ENDS.includes(rail.dataset.status)) finish(rail.dataset.status, false);
  on("process", "", receive);
}
