// The live records of a page. Channels and the positions that the page already shows come from every `data-live`
// attribute ("agent-3:9 build-42:17"). Each record becomes a DOM event `live:<kind>` on the document with {channel,
// seq, record}, once and in order, across lost connections. `body[data-link]` holds the connection's state: idle,
// opening, open, lost, crowded, ended or refused.
import { h } from "./dom.js";
import { link } from "./live/link.js";

const positions = new Map();
const ended = new Set();
const stream = link(document.body, { message: receive, state: setLink, ended: end });
let notice = null;

/** Read the page's channels and connect if there are any. */
export function start() {
  for (const element of document.querySelectorAll("[data-live]")) note(element.dataset.live);
  setLink("idle");
  if (positions.size) connect();
}

/** Add a channel, read after a position. */
export function follow(channel, position = 0) {
  if (positions.has(channel)) return;
  positions.set(channel, position);
  connect();
}

/** Add the channels of a fragment that was put into the page ("build-42:17"). */
export function collect(text) {
  const before = positions.size;
  for (const [channel, seq] of tokens(text)) if (!positions.has(channel)) positions.set(channel, Number(seq) || 0);
  if (positions.size > before) connect();
}

function tokens(text) {
  return text.split(/[\s,]+/).filter(Boolean).map((token) => token.split(":"));
}

function note(text) {
  for (const [channel, seq = "0"] of tokens(text)) {
    // Two fragments of a page may show one stream at different positions: read from the earlier one.
    const other = positions.get(channel) ?? Infinity;
    positions.set(channel, Math.min(other, Number(seq) || 0));
  }
}

function connect() {
  const open = [...positions].filter(([channel]) => !ended.has(channel));
  if (open.length) stream.read(open);
  else finish();
}

function receive({ channel, seq, records }) {
  const shown = positions.get(channel);
  if (shown === undefined) return;
  if (seq > shown + 1) return connect();
  records.forEach((record, index) => {
    if (seq + index <= shown) return;
    positions.set(channel, seq + index);
    if (record.kind === "end") ended.add(channel);
    const detail = { channel, seq: seq + index, record };
    document.dispatchEvent(new CustomEvent(`live:${record.kind}`, { detail }));
  });
  if (positions.size === ended.size) finish();
}

function end(channel) {
  ended.add(channel);
  if (positions.size === ended.size) finish();
}

function finish() {
  stream.close();
  setLink("ended");
}

const WORDS = {
  crowded: "You have too many live pages open in other browsers. Close some; this one goes on by itself and misses nothing.",
  lost: "Connection lost. Trying again; nothing will be missed.",
  refused: "This page no longer updates. Reload it, or sign in again.",
};

let showing = null;

function setLink(state) {
  const before = document.body.dataset.link;
  if (before === state || (["lost", "crowded"].includes(before) && state === "opening")) return;
  document.body.dataset.link = state;
  clearTimeout(showing);
  // The server ends connections regularly and the browser reconnects at once: only a longer loss is shown.
  if (WORDS[state]) showing = setTimeout(() => showNotice(state), 2000);
  else if (notice) notice.hidden = true;
}

function showNotice(state) {
  notice ??= document.body.appendChild(h("div", { class: "link-lost", role: "status", hidden: true }));
  notice.textContent = WORDS[state];
  notice.hidden = false;
}

// An open connection keeps a page out of the back/forward cache; a restored page reads what it missed.
addEventListener("pagehide", () => stream.close());
addEventListener("pageshow", ({ persisted }) => {
  if (persisted && positions.size) connect();
});
addEventListener("online", () => stream.retry());
