// One EventSource over any number of channels, in a page or in the worker that a browser's pages share. It reconnects
// after a loss, reads on from the last record of each channel, and reports its state: opening, open, lost, crowded (too
// many streams are open), ended (every channel has ended) or refused (any other 4xx status is final).

const FIRST_DELAY = 500;
const LONGEST_DELAY = 10000;

/**
 * Return the address of a stream over channels, each read after a position: [["build-4", 17], …].
 *
 * By `page` the server replaces this connection's older stream, which it may not know to be lost.
 */
export function address(url, positions, page = "") {
  const query = new URLSearchParams(positions.map(([channel]) => ["channel", channel]));
  query.set("last_event_id", positions.map(([channel, seq]) => `${channel}:${seq}`).join(","));
  if (page) query.set("page", page);
  return `${url}?${query}`;
}

/** Ask for a stream and return the status, without reading it. */
export async function status(location) {
  const control = new AbortController();
  const response = await fetch(location, { signal: control.signal, headers: { Accept: "text/event-stream" } });
  control.abort();
  return response.status;
}

/** Return whether a status refuses a stream for good. */
export function isRefusal(code) {
  return code >= 400 && code < 500 && code !== 429;
}

export class Connection {
  #source = null;
  #retry = null;
  #delay = FIRST_DELAY;
  #page = Array.from(crypto.getRandomValues(new Uint8Array(12)), (byte) => byte.toString(36)).join("");

  /** `onmessage({channel, seq, records})` and `onstate(state)` are called for each event and change. */
  constructor(url, { onmessage, onstate }) {
    this.url = url;
    this.positions = new Map();
    this.ended = new Set();
    this.onmessage = onmessage;
    this.onstate = onstate;
  }

  /** Read channels after positions. One that is read already goes back if the position is earlier. */
  read(wanted) {
    let changed = false;
    for (const [channel, seq] of wanted) {
      if (seq >= (this.positions.get(channel) ?? Infinity)) continue;
      this.positions.set(channel, seq);
      this.ended.delete(channel);
      changed = true;
    }
    if (changed) this.connect();
    return changed;
  }

  /** Read these channels no longer. */
  drop(channels) {
    for (const channel of channels) {
      this.positions.delete(channel);
      this.ended.delete(channel);
    }
    if (!this.positions.size) this.close();
  }

  connect() {
    this.close();
    const open = [...this.positions].filter(([channel]) => !this.ended.has(channel));
    if (!open.length) return this.#set("ended");
    this.#set("opening");
    const source = new EventSource(address(this.url, open, this.#page));
    this.#source = source;
    source.onopen = () => {
      this.#delay = FIRST_DELAY;
      this.#set("open");
    };
    source.onmessage = ({ data }) => this.#receive(JSON.parse(data));
    source.onerror = () => {
      this.#set("lost");
      // While CONNECTING the browser retries on its own; CLOSED means that it gave up.
      if (source.readyState === EventSource.CLOSED) this.#later();
    };
  }

  /** Close until the next `connect` or `read`. */
  close() {
    clearTimeout(this.#retry);
    this.#source?.close();
    this.#source = null;
  }

  #set(state) {
    this.state = state;
    this.onstate(state);
  }

  #receive(message) {
    const { channel, seq, records } = message;
    const last = seq + records.length - 1;
    if (last > (this.positions.get(channel) ?? Infinity)) this.positions.set(channel, last);
    if (records.some(({ kind }) => kind === "end")) this.ended.add(channel);
    this.onmessage(message);
    if (this.#source && this.positions.size === this.ended.size) {
      this.close();
      this.#set("ended");
    }
  }

  #later() {
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => this.#probe(), this.#delay * (0.75 + Math.random() / 2));
    this.#delay = Math.min(this.#delay * 2, LONGEST_DELAY);
  }

  // An EventSource hides why it gave up, so a plain request finds out: 204 is the end, and a 4xx is final.
  async #probe() {
    const open = [...this.positions].filter(([channel]) => !this.ended.has(channel));
    let code = 0;
    try {
      code = await status(address(this.url, open, this.#page));
    } catch {
      // Still away.
    }
    if (code === 204) {
      for (const [channel] of open) this.ended.add(channel);
      this.#set("ended");
    } else if (isRefusal(code)) this.#set("refused");
    else if (code === 200) this.connect();
    else {
      if (code === 429) this.#set("crowded");
      this.#later();
    }
  }
}
