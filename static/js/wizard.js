// The tab rail, on `data-rail` (see templates/configs/_rail.html): it shows a check as it is, tab by tab, by the records
// `live:process`: pending, checking, valid or invalid, with its duration. A tab that was checked lights up and fades, one
// after the other however fast they were: that is drawn over the rail, whose states never wait for it. The browser tab that
// started the check (the button `data-process`) then opens the first invalid tab; others only show it.
import { announce, on } from "./dom.js";
import { duration } from "./formats.js";

const WORDS = { pending: "not checked", checking: "checking", valid: "valid", invalid: "invalid", outdated: "changed" };
const ENDS = ["ready", "invalid", "failed"];
const STARTED = `process:${location.pathname.split("/").slice(0, 3).join("/")}`;
// A check that took fewer milliseconds shows no time.
const WORTH_TELLING = 100;
const calm = matchMedia("(prefers-reduced-motion: reduce)");
// The light of a checked tab, and how long after the one before it comes, in milliseconds.
const LIGHT = [{ backgroundColor: "var(--state-soft)" }, { backgroundColor: "var(--state-soft)", offset: 0.3 }, {}];
const TICK = [{ scale: 0.3 }, {}];
const APART = 90;
const CHECKED = ["valid", "invalid"];
// The records of the run that is shown, for a rendition that is older than they are.
const records = [];
const lit = new Map();

function rail() {
  return document.querySelector("[data-rail]");
}

function itemOf(tab) {
  return rail().querySelector(`[data-tab="${CSS.escape(tab)}"]`);
}

function show({ tab, state, ms }) {
  const item = itemOf(tab);
  if (!item) return;
  item.dataset.state = state;
  item.querySelector(".rail-word").textContent = WORDS[state] ?? state;
  item.querySelector(".rail-ms").textContent = ms >= WORTH_TELLING ? duration(ms) : "";
  if (state !== "pending") announce(`${item.querySelector(".rail-name").textContent}: ${WORDS[state]}`);
}

/** Let a tab light up once those before it have, on whatever rendition of the rail is shown by then. */
function light(tab) {
  const now = document.timeline.currentTime ?? 0;
  lit.set(tab, Math.max(now, ...[...lit.values()].map((at) => at + APART)));
  glow(tab);
}

function glow(tab) {
  const item = itemOf(tab);
  if (!item || calm.matches) return;
  const animations = [
    item.animate(LIGHT, { duration: 800, easing: "ease-out" }),
    item.animate(TICK, { duration: 200, easing: "ease-out", pseudoElement: "::before" }),
  ];
  for (const animation of animations) animation.startTime = lit.get(tab);
}

function restart(run) {
  rail().dataset.run = run;
  for (const { dataset } of rail().querySelectorAll("[data-tab][data-checked]")) {
    show({ tab: dataset.tab, state: "pending" });
  }
}

/** Show that a run waits or began; how it ended comes with the page's parts, the heading and the title at once. */
function begin(status) {
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
  if (record.status && !ENDS.includes(record.status)) begin(record.status);
  if (record.words) rail().querySelector("[data-rail-outcome]").textContent = record.words;
}

function receive(seq, record) {
  if (record.run < Number(rail().dataset.run)) return;
  if (record.run > (records[0]?.[1].run ?? 0)) {
    records.length = 0;
    lit.clear();
  }
  records.push([seq, record]);
  apply(record);
  if (CHECKED.includes(record.state)) light(record.tab);
  if (!ENDS.includes(record.status)) return;
  document.dispatchEvent(new CustomEvent("parts:stale"));
  openInvalid(record.status, true);
}

/** Bring a rendition up to date that was made before the last records came. */
function catchUp(page) {
  const shown = new RegExp(`\\bagent-${rail().dataset.agent}:(\\d+)`).exec(page.body.dataset.live)?.[1];
  for (const [seq, record] of records) if (seq > Number(shown)) apply(record);
  for (const tab of lit.keys()) glow(tab);
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
  on("process", "", (record, seq) => receive(seq, record));
  document.addEventListener("parts:renewed", ({ detail }) => catchUp(detail.page));
}
