// Sends each request to the original routes and to the converted functions, and prints both responses.
'use strict';
const fs = require('node:fs');
const http = require('node:http');
const { install } = require('./originals.cjs');
const { call } = require('./platform.cjs');
const { serve } = require('./server.cjs');

function send(port, sent) {
  return new Promise((resolve, reject) => {
    const body = sent.body === undefined ? undefined : Buffer.from(sent.body);
    const headers = { ...sent.headers, ...(body ? { 'content-length': body.length } : {}) };
    const request = http.request({ host: '127.0.0.1', port, method: sent.method, path: sent.path, headers }, (response) => {
      const parts = [];
      response.on('data', (part) => parts.push(part));
      response.on('end', () => {
        const raw = response.rawHeaders;
        const pairs = raw.flatMap((name, at) => (at % 2 ? [] : [[name.toLowerCase(), raw[at + 1]]]));
        resolve({ status: response.statusCode, headers: pairs, body: Buffer.concat(parts).toString('latin1') });
      });
    });
    request.on('error', reject);
    request.end(body);
  });
}

async function main() {
  const job = JSON.parse(fs.readFileSync(0, 'utf8'));
  console.error = () => {};
  install(job.typescript, job.root, job.aliases);
  const server = await serve(job.root);
  const { port } = server.address();
  const pairs = [];
  for (const request of job.requests) {
    const sent = { ...request, origin: `http://127.0.0.1:${port}` };
    const expected = request.only ? null : await send(port, request);
    const got = [];
    for (const target of job.targets) got.push(await call(target, sent).catch((error) => ({ failed: String(error.stack) })));
    pairs.push({ expected, got });
  }
  process.stdout.write(JSON.stringify(pairs), () => process.exit(0));
}

main();
