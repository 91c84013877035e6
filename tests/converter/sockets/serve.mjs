// Serves a page and generated functions as Netlify does. Prints its port; exits at the end of its input.
import { readdirSync, readFileSync } from 'node:fs';
import http from 'node:http';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pathToFileURL } from 'node:url';

const [directory, page] = process.argv.slice(2);
const functions = new Map();
for (const name of readdirSync(join(directory, 'netlify/functions'))) {
  const module = await import(pathToFileURL(join(directory, 'netlify/functions', name)).href);
  functions.set(module.config.path, module.default);
}

async function answer(req, res) {
  const url = new URL(req.url, `http://${req.headers.host}`);
  const handler = functions.get(url.pathname);
  if (!handler) {
    const isScript = url.pathname.endsWith('.js');
    res.setHeader('content-type', isScript ? 'text/javascript' : 'text/html');
    return res.end(isScript ? readFileSync(join(directory, page)) : `<ul></ul><form><input name="text"></form><script src="/${page}"></script>`);
  }
  const disconnect = new AbortController();
  res.on('close', () => disconnect.abort());
  const body = req.method === 'GET' ? undefined : Readable.toWeb(req);
  const request = new Request(url, { method: req.method, headers: req.headers, body, duplex: 'half', signal: disconnect.signal });
  const response = await handler(request, {});
  res.writeHead(response.status, Object.fromEntries(response.headers));
  if (response.body) for await (const chunk of response.body) res.write(chunk);
  return res.end();
}

const server = http.createServer((req, res) => answer(req, res).catch(() => res.destroy()));
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
process.stdin.resume().on('end', () => process.exit(0));
