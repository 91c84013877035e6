// Runs a route file of the app directory.
'use strict';
const { Readable } = require('node:stream');
const { store, modules, Thrown } = require('./next.cjs');

const { NextRequest } = modules['next/server'];

async function run(handler, request, params, scope) {
  try {
    const response = await store.run(scope, () => handler(request, { params: Promise.resolve(params) }));
    if (!response?.headers) throw new Error('no response');
    return response;
  } catch (error) {
    if (error instanceof Thrown && !error.location) scope.set = [];
    if (error instanceof Thrown) return new Response(null, { status: error.status, headers: error.location ? { location: error.location } : {} });
    return new Response(null, { status: 500 });
  }
}

function pick(module, method) {
  if (module.default) return module.default;
  const own = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'].filter((name) => name in module);
  if (own.includes(method)) return module[method];
  if (method === 'HEAD' && own.includes('GET')) return module.GET;
  if (own.includes('GET') && !own.includes('HEAD')) own.push('HEAD');
  if (!own.includes('OPTIONS')) own.push('OPTIONS');
  return async () => new Response(null, { status: method === 'OPTIONS' ? 204 : 405, headers: { allow: own.sort().join(', ') } });
}

exports.answer = async (module, req, res, url, params) => {
  const body = ['GET', 'HEAD'].includes(req.method) ? undefined : Readable.toWeb(req);
  const request = new NextRequest(url, { method: req.method, headers: req.headers, body, duplex: 'half' });
  const scope = { request, set: [], after: [] };
  const response = await run(pick(module, req.method), request, params, scope);
  res.statusCode = response.status;
  for (const [name, value] of response.headers) if (name !== 'set-cookie') res.setHeader(name, value);
  const cookies = [...scope.set, ...response.headers.getSetCookie()];
  if (cookies.length) res.setHeader('set-cookie', cookies);
  if (response.body && req.method !== 'HEAD') for await (const chunk of response.body) res.write(chunk);
  res.end();
  for (const work of scope.after) await work();
};
