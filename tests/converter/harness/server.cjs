// A small server like Next's: it finds the route file for a path and runs it unchanged.
'use strict';
const fs = require('node:fs');
const http = require('node:http');
const path = require('node:path');
const app = require('./app.cjs');
const pages = require('./pages.cjs');

function* filesBelow(directory) {
  if (!fs.existsSync(directory)) return;
  for (const entry of fs.readdirSync(directory, { withFileTypes: true })) {
    const full = path.join(directory, entry.name);
    if (entry.isDirectory()) yield* filesBelow(full);
    else yield full;
  }
}

// Returns the expression for a URL of `[[...a]]`, `[...a]`, `[a]` and plain names, and its precedence.
function compile(url) {
  const names = [];
  let rank = '';
  const source = url.split('/').filter(Boolean).map((part) => {
    const [, open, rest, name] = part.match(/^(\[{0,2})(\.\.\.)?(.*?)\]{0,2}$/);
    if (!open) {
      rank += '0';
      return `/${part.replace(/[.]/g, '\\.')}`;
    }
    names.push([name, Boolean(rest)]);
    rank += rest ? open.length + 1 : '1';
    return rest ? (open.length === 2 ? '(?:/(.+))?' : '/(.+)') : '/([^/]+)';
  });
  return { pattern: new RegExp(`^${source.join('')}$`), names, rank: `${rank}1` };
}

function routesOf(root) {
  const routes = [];
  for (const base of [root, path.join(root, 'src')]) {
    for (const file of filesBelow(path.join(base, 'pages', 'api'))) {
      const url = path.relative(path.join(base, 'pages'), file).replace(/(\/index)?\.[jt]s$/, '');
      routes.push({ file, answer: pages.answer, ...compile(url) });
    }
    for (const file of filesBelow(path.join(base, 'app'))) {
      const url = path.dirname(path.relative(path.join(base, 'app'), file)).replace(/(^|\/)\(\w+\)/g, '');
      routes.push({ file, answer: app.answer, ...compile(url) });
    }
  }
  return routes.sort((a, b) => (a.rank < b.rank ? -1 : 1));
}

function paramsOf(names, groups) {
  const params = {};
  names.forEach(([name, rest], index) => {
    const text = groups[index];
    if (text !== undefined) params[name] = rest ? text.split('/').map(decodeURIComponent) : decodeURIComponent(text);
  });
  return params;
}

// Routes of pages/api in the edge runtime work like those of the app directory, with the parameters in the query.
function answerInEdgeRuntime(module, req, res, url, params) {
  for (const [name, value] of Object.entries(params)) url.searchParams.set(name, value);
  return app.answer(module, req, res, url, params);
}
const answerOf = (route, module) => (module.config?.runtime === 'edge' ? answerInEdgeRuntime : route.answer);

exports.routesOf = routesOf;

exports.serve = (root) => {
  const routes = routesOf(root);
  const server = http.createServer(async (req, res) => {
    const url = new URL(req.url, `http://${req.headers.host}`);
    if (url.pathname.length > 1 && url.pathname.endsWith('/')) {
      const target = url.pathname.slice(0, -1) + url.search;
      res.writeHead(308, { location: target });
      return res.end(target);
    }
    for (const route of routes) {
      const match = route.pattern.exec(url.pathname);
      if (!match) continue;
      const module = require(route.file);
      return answerOf(route, module)(module, req, res, url, paramsOf(route.names, match.slice(1)));
    }
    res.writeHead(404);
    return res.end();
  });
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server)));
};
