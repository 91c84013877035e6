// The one EventSource of a page. Channels and the positions that the page already shows come from every `data-live`
// attribute ("agent-3:9 build-42:17"). Each record becomes a DOM event `live:<kind>` on the document with {channel,
// seq, record}, once and in order, across lost connections. `body[data-link]` holds the connection's state: idle,
// opening, open, lost, ended or refused.
import { h } from "./dom.js";

const positions = new Map();
const ended = new Set();
let source = null;
let retry = null;
let delay = 500;
let notice = null;

/** Read the page's channels and connect if there are any. */
export function start() {
  for (const element of document.querySelectorAll("[data-live]")) note(element.dataset.live);
  setLink("idle");
  if (positions.size) connect();
}

/** Add a channel, read after a position, to the page's one connection. */
export function follow(channel, position = 0) {
  if (positions.has(channel)) return;
  positions.set(channel, position);
  connect();
}

/** Add the channels of a fragment that was put into the page ("build-42:17") to the page's one connection. */
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

function address() {
  const open = [...positions].filter(([channel]) => !ended.has(channel));
  const query = new URLSearchParams(open.map(([channel]) => ["channel", channel]));
  query.set("last_event_id", open.map(([channel, seq]) => `${channel}:${seq}`).join(","));
  return `${document.body.dataset.liveUrl}?${query}`;
}

function connect() {
  clearTimeout(retry);
  source?.close();
  if (positions.size === ended.size) return finish();
  setLink("opening");
  source = new EventSource(address());
  source.onopen = () => {
    delay = 500;
    setLink("open");
  };
  source.onmessage = ({ data }) => receive(JSON.parse(data));
  source.onerror = () => {
    setLink("lost");
    // While CONNECTING the browser retries on its own; CLOSED means that it gave up.
    if (source.readyState === EventSource.CLOSED) later();
  };
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

function finish() {
  source?.close();
  source = null;
  setLink("ended");
}

function later() {
  clearTimeout(retry);
  retry = setTimeout(probe, delay * (0.75 + Math.random() / 2));
  delay = Math.min(delay * 2, 10000);
}

// An EventSource hides why it gave up, so a plain request finds out: 204 is the end, and a 4xx is final.
async function probe() {
  const control = new AbortController();
  try {
    const { status } = await fetch(address(), { signal: control.signal, headers: { Accept: "text/event-stream" } });
    control.abort();
    if (status === 204) finish();
    else if (status >= 400 && status < 500 && status !== 429) setLink("refused");
    else if (status === 200) connect();
    else later();
  } catch {
    later();
  }
}

const WORDS = {
  lost: "Connection lost. Trying again; nothing will be missed.",
  refused: "This page no longer updates. Reload it, or sign in again.",
};

let showing = null;

function setLink(state) {
  const before = document.body.dataset.link;
  if (before === state || (before === "lost" && state === "opening")) return;
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
addEventListener("pagehide", () => {
  clearTimeout(retry);
  source?.close();
});
addEventListener("pageshow", ({ persisted }) => {
  if (persisted && positions.size) connect();
});
addEventListener("online", () => {
  if (document.body.dataset.link === "lost") connect();
});
