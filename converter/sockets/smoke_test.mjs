// Loads every function of a directory and calls it once; prints the results as JSON.
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

process.env.SOCKET_STREAM_SECONDS = "0";
// The test must not send anything; messages are kept in memory.
delete process.env.SOCKET_DATABASE_URL;
delete process.env.AWS_LAMBDA_FUNCTION_NAME;
let logged = "";
console.error = (error) => { logged = String(error?.message ?? error).split("\n", 1)[0].split(" imported from ")[0]; };
console.log = () => {};
const directory = process.argv[2];
const trials = [];

async function call(module) {
  const [url] = [module.config.path].flat();
  const isChannel = module.default.kind === "channel";
  const { library, takes } = module.default.facts;
  const message = library === "ws" ? {} : Array(takes).fill({});
  const body = isChannel ? undefined : JSON.stringify(message);
  const request = new Request(`http://localhost${url}`, { method: isChannel ? "GET" : "POST", body });
  const response = await module.default(request, {});
  const text = await response.text();
  const called = response.status < 500;
  return { called, detail: `answered ${response.status}, ${called ? `${text.length} characters` : logged}` };
}

for (const name of readdirSync(directory).sort()) {
  logged = "";
  const trial = { function: name, parsed: false, called: false, detail: "" };
  try {
    const module = await import(pathToFileURL(join(directory, name)).href);
    trial.parsed = true;
    Object.assign(trial, await call(module));
  } catch (error) {
    trial.detail = String(error);
  }
  trials.push(trial);
}
process.stdout.write(JSON.stringify(trials), () => process.exit(0));
