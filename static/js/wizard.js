// The tab rail, on `data-rail` (see templates/configs/_rail.html): a check is played as it runs, tab by tab, by the
// records `live:process`: pending, checking, valid or invalid, with its duration. The browser tab that started the check
// (the button `data-process`) then opens the first invalid tab; others only show it. While a check is played, the rail is
// not read again with the other parts of the page.
import { announce, on } from "./dom.js";
import { duration } from "./formats.js";

const WORDS = { pending: "not checked", checking: "checking", valid: "valid", invalid: "invalid", outdated: "changed" };
const ENDS = ["ready", "invalid", "failed"];
const STARTED = `process:${location.pathname.split("/").slice(0, 3).join("/")}`;
// Each tab is looked at long enough to be seen, in milliseconds.
const PACE = matchMedia("(prefers-reduced-motion: reduce)").matches ? 0 : 240;
// A check that took fewer milliseconds shows no time.
const WORTH_TELLING = 100;
const records = [];
let playing = false;

function rail() {
  return document.querySelector("[data-rail]");
}

function show({ tab, state, ms }) {
  const item = rail().querySelector(`[data-tab="${CSS.escape(tab)}"]`);
  if (!item) return;
  item.dataset.state = state;
  item.querySelector(".rail-word").textContent = WORDS[state] ?? state;
  item.querySelector(".rail-ms").textContent = ms >= WORTH_TELLING ? duration(ms) : "";
  if (state !== "pending") announce(`${item.querySelector(".rail-name").textContent}: ${WORDS[state]}`);
}

function restart(run) {
  rail().dataset.run = run;
  for (const { dataset } of rail().querySelectorAll("[data-tab][data-checked]")) {
    show({ tab: dataset.tab, state: "pending" });
  }
}

function finish(status) {
  rail().dataset.status = status;
  const words = rail().querySelector("[data-rail-outcome]");
  words.textContent = words.getAttribute(`data-words-${status}`) ?? "";
}

/** In the browser tab that started the check, open the first invalid tab, with its messages. */
function openInvalid(status, isLive) {
  const own = sessionStorage.getItem(STARTED);
  sessionStorage.removeItem(STARTED);
  if (!own || status !== "invalid") return;
  const wrong = rail().querySelector('[data-state="invalid"]');
  const elsewhere = wrong && !wrong.ariaCurrent;
  if (!elsewhere && !isLive) return;
  document.dispatchEvent(new CustomEvent("page:leaving"));
  if (elsewhere) location.assign(wrong.href);
  else location.reload();
}

function apply(record) {
  if (record.run > Number(rail().dataset.run)) restart(record.run);
  if (record.tab) show(record);
  if (record.status) finish(record.status);
  if (record.words) rail().querySelector("[data-rail-outcome]").textContent = record.words;
}

async function play() {
  if (playing) return;
  playing = true;
  while (records.length) {
    const record = records.shift();
    if (!rail() || record.run < Number(rail().dataset.run)) continue;
    rail().dataset.hold = "";
    apply(record);
    if (record.state === "checking") await new Promise((done) => setTimeout(done, PACE));
    if (ENDS.includes(record.status)) release(record.status);
  }
  playing = false;
  delete document.body.dataset.hold;
}

function release(status) {
  delete document.body.dataset.hold;
  delete rail().dataset.hold;
  document.dispatchEvent(new CustomEvent("parts:stale"));
  openInvalid(status, true);
}

/** On a narrow page the steps are a strip: scroll it to the current one. */
function showCurrent() {
  const strip = rail()?.querySelector(".rail-tabs");
  const item = strip?.querySelector("[aria-current]");
  if (item) strip.scrollLeft = item.offsetLeft - (strip.clientWidth - item.offsetWidth) / 2;
}

if (rail()) {
  showCurrent();
  document.addEventListener("htmx:oobAfterSwap", showCurrent);
  document.addEventListener("click", ({ target }) => {
    if (target.closest("[data-process]")) sessionStorage.setItem(STARTED, "1");
  });
  // The check may have ended before the page connected.
  if (ENDS.includes(rail().dataset.status)) openInvalid(rail().dataset.status, false);
  on("process", "", (record) => {
    records.push(record);
    // The rest of the page says how the check ended when the rail does.
    if (ENDS.includes(record.status)) document.body.dataset.hold = "";
    play();
  });
}
