// Calls generated functions as Netlify does: with redirects and events, or with config.path and requests.
'use strict';
const fs = require('node:fs');
const path = require('node:path');
const { pathToFileURL } = require('node:url');

function redirected(redirects, pathname) {
  const parts = pathname.split('/').filter(Boolean);
  for (const { from, to, status } of redirects) {
    const words = from.split('/').filter(Boolean);
    const values = {};
    const splat = words.at(-1) === '*';
    const fixed = splat ? words.slice(0, -1) : words;
    if (splat ? parts.length < fixed.length : parts.length !== fixed.length) continue;
    if (!fixed.every((word, at) => (word.startsWith(':') ? (values[word.slice(1)] = parts[at]) : word === parts[at]))) continue;
    if (status === 404) return null;
    values.splat = parts.slice(fixed.length).join('/');
    return to.replace(/:([A-Za-z_]\w*)/g, (whole, name) => values[name] ?? whole);
  }
  return null;
}

function matches(patterns, pathname) {
  return [patterns ?? []].flat().some((pattern) => {
    const source = pattern.split('/').filter(Boolean).map((word) => (word === '*' ? '/.*' : word.startsWith(':') ? '/[^/]+' : `/${word.replace(/\./g, '\\.')}`));
    return new RegExp(`^${source.join('')}/?$`).test(pathname);
  });
}

const load = (file) => import(pathToFileURL(file).href);

async function classic(out, redirects, request) {
  const url = new URL(request.origin + request.path);
  const target = redirected(redirects, url.pathname);
  if (target === null) return { status: 404, headers: [], body: '' };
  const name = target.split('/')[3];
  const file = ['.cjs', '.mjs'].map((suffix) => path.join(out, 'netlify/functions', name + suffix)).find((each) => fs.existsSync(each));
  const headers = { host: url.host, ...request.headers };
  const event = {
    httpMethod: request.method, path: request.direct ? target : url.pathname, rawUrl: request.direct ? new URL(target + url.search, url).href : url.href, rawQuery: url.search.slice(1), headers,
    multiValueHeaders: Object.fromEntries(Object.entries(headers).map(([key, value]) => [key, [value]])),
    queryStringParameters: Object.fromEntries(url.searchParams), multiValueQueryStringParameters: {},
    body: request.body === undefined ? null : Buffer.from(request.body).toString('base64'), isBase64Encoded: request.body !== undefined,
  };
  const module = await load(file);
  const result = await (module.handler ?? module.default.handler)(event, {});
  const single = Object.entries(result.headers);
  const several = Object.entries(result.multiValueHeaders).flatMap(([key, values]) => values.map((value) => [key, value]));
  return {
    status: result.statusCode, headers: [...single, ...several],
    body: Buffer.from(result.body, result.isBase64Encoded ? 'base64' : 'utf8').toString('latin1'),
  };
}

async function modern(out, request) {
  const url = new URL(request.origin + request.path);
  const directory = path.join(out, 'netlify/functions');
  const matching = [];
  for (const name of fs.readdirSync(directory)) {
    const module = await load(path.join(directory, name));
    if (matches(module.config.path, url.pathname) && !matches(module.config.excludedPath, url.pathname)) matching.push(module);
  }
  // Netlify may call either of two functions with the same path, so there must not be two.
  if (matching.length > 1) throw new Error(`${matching.length} functions for ${url.pathname}`);
  if (!matching.length) return { status: 404, headers: [], body: '' };
  const body = ['GET', 'HEAD'].includes(request.method) || request.body === undefined ? undefined : Buffer.from(request.body);
  const webRequest = new Request(url, { method: request.method, headers: request.headers, body });
  const waiting = [];
  const response = await matching[0].default(webRequest, { waitUntil: (promise) => waiting.push(promise) });
  const bytes = Buffer.from(await response.arrayBuffer());
  await Promise.all(waiting);
  return { status: response.status, headers: [...response.headers], body: bytes.toString('latin1') };
}

exports.call = (job, request) => (job.v2 ? modern(job.out, request) : classic(job.out, job.redirects, request));
