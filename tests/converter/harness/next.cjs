// The parts of next/* that the corpus needs, written for the harness, independent of the converter's adapter.
'use strict';
const { AsyncLocalStorage } = require('node:async_hooks');

const store = new AsyncLocalStorage();
const current = () => store.getStore();

const readCookies = (header = '', forPages = false) => {
  const map = {};
  for (const pair of header.split(';')) {
    let [, name, value] = pair.match(/^\s*([^=]+)=(.*)$/) || [];
    if (name && forPages) [name, value] = [name.trim(), value.trim().replace(/^"(.*)"$/, '$1')];
    if (!name || (forPages && name in map)) continue;
    try {
      map[name] = decodeURIComponent(value);
    } catch {
      if (forPages) map[name] = value;
    }
  }
  return map;
};

const title = { path: 'Path', expires: 'Expires', maxAge: 'Max-Age', domain: 'Domain', secure: 'Secure', httpOnly: 'HttpOnly', sameSite: 'SameSite' };
const cookieLine = ({ name, value, ...rest }) => {
  let line = `${name}=${encodeURIComponent(value)}`;
  for (const key of Object.keys(title)) {
    const set = rest[key];
    if (set === undefined || set === false) continue;
    line += set === true ? `; ${title[key]}` : `; ${title[key]}=${set instanceof Date ? set.toUTCString() : set}`;
  }
  return line;
};

const jar = (initial, onSet) => {
  const values = new Map(Object.entries(initial));
  return {
    get: (name) => (values.has(name) ? { name, value: values.get(name) } : undefined),
    has: (name) => values.has(name),
    getAll: () => [...values].map(([name, value]) => ({ name, value })),
    get size() { return values.size; },
    set(first, value, rest) {
      const cookie = { path: '/', ...(typeof first === 'object' ? first : { name: first, value, ...rest }) };
      if (cookie.maxAge > 0) cookie.expires ??= new Date(Date.now() + cookie.maxAge * 1e3);
      values.set(cookie.name, cookie.value);
      onSet(cookie.name, cookieLine(cookie));
    },
    delete(name) {
      values.delete(name);
      onSet(name, cookieLine({ name, value: '', path: '/', expires: new Date(0) }));
    },
  };
};

class NextRequest extends Request {
  get nextUrl() {
    const url = new URL(this.url);
    return Object.assign(url, { clone: () => new URL(url) });
  }
  get cookies() {
    return jar(readCookies(this.headers.get('cookie') ?? ''), () => {});
  }
}

class NextResponse extends Response {
  cookies = jar(readCookies(this.headers.getSetCookie().map((line) => line.split(';')[0]).join(';')), (name, line) => {
    const others = this.headers.getSetCookie().filter((other) => !other.startsWith(`${name}=`));
    this.headers.delete('set-cookie');
    for (const each of [...others, line]) this.headers.append('set-cookie', each);
  });
  static json(data, init = {}) {
    const headers = new Headers(init.headers);
    if (!headers.has('content-type')) headers.set('content-type', 'application/json');
    return new NextResponse(JSON.stringify(data), { ...init, headers });
  }
  static redirect(url, status = 307) {
    return new NextResponse(null, { status, headers: { location: new URL(url).href } });
  }
}

class Thrown extends Error {
  constructor(status, location) {
    super(location ? 'NEXT_REDIRECT' : `NEXT_HTTP_ERROR_FALLBACK;${status}`);
    const digest = location ? `NEXT_REDIRECT;replace;${location};${status};` : this.message;
    Object.assign(this, { status, location, digest });
  }
}
const thrower = (status) => (location) => { throw new Thrown(status, location); };

module.exports = {
  store, Thrown, readCookies,
  modules: {
    next: {},
    react: { cache: (work) => work },
    '@vercel/functions': { waitUntil: () => {} },
    'next/server': { NextRequest, NextResponse, connection: async () => {}, after: (work) => { current().after.push(work); } },
    'next/headers': {
      cookies: async () => (current().jar ??= jar(readCookies(current().request.headers.get('cookie') ?? ''), (name, line) => current().set.push(line))),
      headers: async () => current().request.headers,
    },
    'next/navigation': { redirect: thrower(307), permanentRedirect: thrower(308), notFound: thrower(404),
      unstable_rethrow: (error) => { if (error instanceof Thrown) throw error; },
    },
  },
};
