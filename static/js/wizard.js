// The tab rail, on `data-rail` (see templates/configs/_rail.html): `live:process` moves each `data-tab` from pending over
// checking to valid or invalid with its duration. The browser tab that asked for the run (the form `data-process`) then
// opens the first invalid tab; others only show it.
import { announce, duration, h, on } from "./dom.js";

const rail = document.querySelector("[data-rail]");
const WORDS = { pending: "not checked", checking: "checking", valid: "valid", invalid: "invalid", outdated: "changed" };
const ENDS = ["ready", "invalid", "failed"];
const ASKED = `process:${location.pathname.split("/").slice(0, 3).join("/")}`;

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

function begin(run) {
  rail.dataset.run = run;
  for (const item of rail.querySelectorAll("[data-tab][data-checked]")) show({ tab: item.dataset.tab, state: "pending" });
  find("notes")?.replaceChildren();
}

function note(text) {
  const list = find("notes");
  list.hidden = false;
  list.append(h("li", {}, text));
}

function conclude(status, fresh) {
  rail.dataset.status = status;
  const words = find("outcome");
  words.textContent = words.getAttribute(`data-words-${status}`) ?? "";
  if (find("ready")) find("ready").hidden = status !== "ready";
  const own = sessionStorage.getItem(ASKED);
  if (!ENDS.includes(status)) return;
  sessionStorage.removeItem(ASKED);
  const wrong = rail.querySelector('[data-state="invalid"]');
  if (own && status === "invalid" && wrong && !wrong.ariaCurrent) location.assign(wrong.href);
  else if (own && fresh && status === "invalid") location.reload();
}

function hear(record) {
  if (record.run < Number(rail.dataset.run)) return;
  if (record.run > Number(rail.dataset.run)) begin(record.run);
  if (record.tab) show(record);
  (record.notes ?? []).forEach(note);
  if (record.status) conclude(record.status, true);
}

if (rail) {
  document.addEventListener("submit", ({ target }) => {
    if (target.matches("[data-process]")) sessionStorage.setItem(ASKED, "1");
  });
  // The run that was asked for may have ended before the page was there to hear of it.
  if (ENDS.includes(rail.dataset.status)) conclude(rail.dataset.status, false);
  on("process", "", hear);
}
