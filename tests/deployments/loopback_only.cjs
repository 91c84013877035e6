// Refuse every connection to another machine, at once, and note where it would have gone.
"use strict";

const fs = require("node:fs");
const net = require("node:net");

const connect = net.Socket.prototype.connect;

net.Socket.prototype.connect = function (...given) {
  const [first, second] = Array.isArray(given[0]) ? given[0] : given;
  const { host = second, path } = typeof first === "object" ? first : { path: typeof first === "string" };
  if (path || typeof host !== "string" || /^(127\.|localhost$|::1$)/.test(host)) {
    return connect.apply(this, given);
  }
  fs.appendFileSync(process.env.LOOPBACK_ONLY_LOG, `${host}\n`);
  const refused = Object.assign(new Error(`${host} is another machine`), { code: "ENETUNREACH" });
  process.nextTick(() => this.destroy(refused));
  return this;
};
