// Sends every question to the originals and to the functions made of them, and prints both answers.
'use strict';
const fs = require('node:fs');
const http = require('node:http');
const { install } = require('./originals.cjs');
const { call } = require('./platform.cjs');
const { serve } = require('./server.cjs');

function ask(port, question) {
  return new Promise((resolve, reject) => {
    const body = question.body === undefined ? undefined : Buffer.from(question.body);
    const headers = { ...question.headers, ...(body ? { 'content-length': body.length } : {}) };
    const request = http.request({ host: '127.0.0.1', port, method: question.method, path: question.path, headers }, (answer) => {
      const parts = [];
      answer.on('data', (part) => parts.push(part));
      answer.on('end', () => {
        const raw = answer.rawHeaders;
        const pairs = raw.flatMap((name, at) => (at % 2 ? [] : [[name.toLowerCase(), raw[at + 1]]]));
        resolve({ status: answer.statusCode, headers: pairs, body: Buffer.concat(parts).toString('latin1') });
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
  const answers = [];
  for (const question of job.questions) {
    const asked = { ...question, origin: `http://127.0.0.1:${port}` };
    const expected = question.only ? null : await ask(port, question);
    const got = [];
    for (const target of job.targets) got.push(await call(target, asked).catch((error) => ({ failed: String(error.stack) })));
    answers.push({ expected, got });
  }
  process.stdout.write(JSON.stringify(answers), () => process.exit(0));
}

main();
