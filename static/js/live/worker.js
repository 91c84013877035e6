// The worker that all pages of one account in a browser share: it holds their streams on one connection, because a
// browser allows six to a host over HTTP/1.1. Pages send {read: [[channel, seq], …]}, {retry: true} and {leave: true};
// they get {message}, {state}, and {ended: channel} for a channel whose last record they have.
import { Connection, address, isRefusal, status } from "./connection.js";

// What the server takes on one connection (MAX_CHANNELS in agentforge/live/admission.py).
const MOST_CHANNELS = 60;
const pools = [];

class Pool {
  constructor(url) {
    this.pages = new Map();
    this.connection = new Connection(url, {
      onmessage: (message) => this.deliver(message),
      onstate: (state) => this.tell(state),
    });
  }

  hasRoom(channels) {
    return new Set([...this.connection.positions.keys(), ...channels]).size <= MOST_CHANNELS;
  }

  deliver(message) {
    for (const [port, shown] of this.pages) if (shown.has(message.channel)) port.postMessage({ message });
  }

  tell(state) {
    if (state === "refused" && this.pages.size > 1) return this.sortOut();
    for (const port of this.pages.keys()) port.postMessage({ state });
  }

  // One page's channel may be gone, which must not end the others' streams.
  async sortOut() {
    const { url } = this.connection;
    for (const [port, shown] of [...this.pages]) {
      let code = 0;
      try {
        code = await status(address(url, [...shown]));
      } catch {
        // The server went away meanwhile: connecting finds out.
      }
      if (!isRefusal(code)) continue;
      port.postMessage({ state: "refused" });
      this.remove(port);
    }
    if (this.pages.size) this.connection.connect();
  }

  read(port, wanted) {
    const shown = this.pages.get(port) ?? new Map();
    for (const [channel, seq] of wanted) shown.set(channel, seq);
    this.pages.set(port, shown);
    if (this.connection.read(wanted)) return;
    // Whoever signed in again may read what was refused before.
    if (this.connection.state === "refused") this.connection.connect();
    port.postMessage({ state: this.connection.state });
    for (const [channel] of wanted) if (this.connection.ended.has(channel)) port.postMessage({ ended: channel });
  }

  remove(port) {
    const channels = [...(this.pages.get(port)?.keys() ?? [])];
    this.pages.delete(port);
    const others = new Set([...this.pages.values()].flatMap((shown) => [...shown.keys()]));
    this.connection.drop(channels.filter((channel) => !others.has(channel)));
  }
}

function poolOf(port, url, channels) {
  const own = pools.find((pool) => pool.pages.has(port)) ?? pools.find((pool) => pool.hasRoom(channels));
  if (own) return own;
  const pool = new Pool(url);
  pools.push(pool);
  return pool;
}

function leave(port) {
  for (const pool of pools) pool.remove(port);
}

addEventListener("connect", ({ ports: [port] }) => {
  port.onmessage = ({ data }) => {
    if (data.read) poolOf(port, data.url, data.read.map(([channel]) => channel)).read(port, data.read);
    if (data.retry) {
      for (const { connection } of pools) if (["lost", "crowded"].includes(connection.state)) connection.connect();
    }
    if (data.leave) leave(port);
    // A page that crashed says nothing, but loses its lock.
    if (data.lock) navigator.locks.request(data.lock, () => leave(port));
  };
});
