// How a page reaches its streams: through the worker that the browser's pages share or, in a browser that has none,
// by a connection of its own that rests while the page is hidden, which exact resume makes safe.
import { Connection } from "./connection.js";

/** Return a link; `on` has the methods message, state and ended. */
export function link(body, on) {
  const { liveUrl: url, liveAccount: account = "" } = body.dataset;
  return globalThis.SharedWorker ? new SharedLink(url, account, on) : new OwnLink(url, on);
}

class SharedLink {
  #port = null;
  #release = null;

  constructor(url, account, on) {
    this.url = url;
    this.account = account;
    this.on = on;
  }

  read(positions) {
    this.#port ??= this.#join();
    this.#port.postMessage({ url: this.url, read: positions });
  }

  retry() {
    this.#port?.postMessage({ retry: true });
  }

  close() {
    this.#port?.postMessage({ leave: true });
    this.#port?.close();
    this.#port = null;
    this.#release?.();
  }

  #join() {
    // One worker for each account: the streams of one are refused to the other.
    const name = `live ${this.account}`;
    const { port } = new SharedWorker(new URL("worker.js", import.meta.url), { type: "module", name });
    port.onmessage = ({ data }) => {
      if (data.message) this.on.message(data.message);
      if (data.state) this.on.state(data.state);
      if (data.ended) this.on.ended(data.ended);
    };
    this.#hold(port);
    return port;
  }

  // The lock ends with the page, also when it crashes. There are none on addresses without TLS, except localhost.
  #hold(port) {
    if (!navigator.locks) return;
    const lock = `live page ${crypto.randomUUID()}`;
    navigator.locks.request(lock, () => {
      port.postMessage({ lock });
      return new Promise((resolve) => { this.#release = resolve; });
    });
  }
}

class OwnLink {
  constructor(url, on) {
    this.connection = new Connection(url, { onmessage: on.message, onstate: on.state });
    document.addEventListener("visibilitychange", () => {
      if (document.hidden) this.connection.close();
      else if (this.connection.positions.size) this.connection.connect();
    });
  }

  read(positions) {
    const { connection } = this;
    if (!connection.read(positions) && !document.hidden) connection.connect();
    if (document.hidden) connection.close();
  }

  retry() {
    if (["lost", "crowded"].includes(this.connection.state)) this.connection.connect();
  }

  close() {
    this.connection.close();
  }
}
