// Runs a file of pages/api with Node's own request and response.
'use strict';
const { readCookies } = require('./next.cjs');

async function readBody(req, limit) {
  const parts = [];
  for await (const part of req) parts.push(part);
  const body = Buffer.concat(parts);
  if (body.length > limit.bytes) throw Object.assign(new Error(`Body exceeded ${limit.text} limit`), { status: 413 });
  const [, charset = 'utf8'] = /charset=([^;]+)/.exec(req.headers['content-type'] || '') || [];
  if (!Buffer.isEncoding(charset)) throw Object.assign(new Error('Invalid body'), { status: 400 });
  const text = body.toString(charset);
  switch ((req.headers['content-type'] || '').replace(/;.*/, '')) {
    case 'application/json':
      if (text === '') return {};
      try {
        return JSON.parse(text);
      } catch {
        throw Object.assign(new Error('Invalid JSON'), { status: 400 });
      }
    case 'application/x-www-form-urlencoded':
      return require('node:querystring').parse(text);
    default:
      return text;
  }
}

function decorate(req, res) {
  const withTag = (text) => {
    res.setHeader('etag', `"${text.length}"`);
    res.setHeader('content-length', Buffer.byteLength(text));
    return res.end(req.method === 'HEAD' ? undefined : text);
  };
  res.status = (code) => Object.assign(res, { statusCode: code });
  res.json = (value) => {
    if (!res.getHeader('content-type')) res.setHeader('content-type', 'application/json; charset=utf-8');
    return res.send(JSON.stringify(value));
  };
  res.send = (value) => {
    if (value === null || value === undefined) return res.end();
    if (res.statusCode === 304 || res.statusCode === 204) return res.end();
    if (Buffer.isBuffer(value)) {
      if (!res.getHeader('content-type')) res.setHeader('content-type', 'application/octet-stream');
      res.setHeader('content-length', value.length);
      return res.end(value);
    }
    if (typeof value === 'string') return withTag(value);
    res.setHeader('content-type', 'application/json; charset=utf-8');
    return withTag(JSON.stringify(value));
  };
  res.redirect = (code, target) => {
    if (typeof code === 'string') [code, target] = [307, code];
    res.writeHead(code, { Location: target });
    res.end(target);
  };
}

exports.answer = async (module, req, res, url, params) => {
  const query = {};
  for (const [name, value] of url.searchParams) query[name] = name in query ? [query[name], value].flat() : value;
  req.query = { ...query, ...params };
  req.cookies = readCookies(req.headers.cookie, true);
  decorate(req, res);
  const parser = module.config?.api?.bodyParser ?? true;
  const limit = parser.sizeLimit === '1kb' ? { bytes: 1024, text: '1kb' } : { bytes: 2 ** 20, text: '1mb' };
  try {
    if (parser) req.body = await readBody(req, limit);
    await (module.default ?? module)(req, res);
  } catch (error) {
    res.statusCode = error.status ?? 500;
    res.end(error.status ? error.message : 'Internal Server Error');
  }
};
