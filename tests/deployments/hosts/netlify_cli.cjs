// Loaded ahead of the CLI. Refuses every connection to another machine, at once, and notes where it would
// have gone; tells at the end how much memory was needed.
"use strict";

const fs = require("node:fs");
const net = require("node:net");

const { NETLIFY_CLI_OUTSIDE: outside, NETLIFY_CLI_PEAK: peak } = process.env;
const connect = net.Socket.prototype.connect;

net.Socket.prototype.connect = function (...given) {
  const [first, second] = Array.isArray(given[0]) ? given[0] : given;
  const { host = second, path } = typeof first === "object" ? first : { path: typeof first === "string" };
  if (path || typeof host !== "string" || /^(127\.|localhost$|::1$)/.test(host)) {
    return connect.apply(this, given);
  }
  fs.appendFileSync(outside, `${host}\n`);
  const refused = Object.assign(new Error(`${host} is another machine`), { code: "ENETUNREACH" });
  process.nextTick(() => this.destroy(refused));
  return this;
};

process.on("exit", () => fs.writeFileSync(peak, String(process.resourceUsage().maxRSS)));
