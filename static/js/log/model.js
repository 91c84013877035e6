// What a log panel knows of its log: its parts (sections, and the lines of none before and after them), how many lines
// each has, and those lines that are here. Others come from the server, in chunks, when they are wanted.
import { plain } from "./ansi.js";

const CHUNK = 500;
const MOST_CHUNKS = 60;
const BEFORE = 0;
const AFTER = -1;

export class LogModel extends EventTarget {
  constructor(root) {
    super();
    this.url = root.dataset.linesUrl;
    this.searchUrl = root.dataset.searchUrl;
    this.errors = false;
    this.parts = [];
    this.total = 0;
    this.chunks = new Map();
    this.asked = new Set();
    this.firstError = Number(root.dataset.firstError) || null;
    this.started = Number(root.dataset.started) || null;
  }

  /** Add a part as the server describes it: {part, name, state, ms, lines, stderr}. */
  addPart({ part, name = "", state = "", ms = null, lines = 0, stderr = 0, open = true }) {
    const added = { part, name, state, ms, lines, stderr, open };
    const end = this.parts.findIndex((other) => other.part === AFTER);
    if (part === AFTER || end < 0) this.parts.push(added);
    else this.parts.splice(end, 0, added);
    this.total += lines;
    return added;
  }

  part(number) {
    return this.parts.find((part) => part.part === number);
  }

  /** Return how many lines of a part are shown: all, or those of stderr. */
  count(part) {
    return this.errors ? part.stderr : part.lines;
  }

  /** Return a line by its place in its part, from 1, if it is here. */
  line(part, place) {
    const chunk = this.chunks.get(this.key(part, place));
    if (chunk) chunk.used = performance.now();
    return chunk?.lines[(place - 1) % CHUNK];
  }

  key(part, place) {
    return `${part.part}:${this.errors ? "err" : ""}:${Math.floor((place - 1) / CHUNK)}`;
  }

  keep(part, place, line) {
    const key = this.key(part, place);
    let chunk = this.chunks.get(key);
    if (!chunk) this.chunks.set(key, (chunk = { lines: [], used: performance.now() }));
    chunk.lines[(place - 1) % CHUNK] ??= line;
    if (this.url && this.chunks.size > MOST_CHUNKS) this.forget();
  }

  forget() {
    const oldest = [...this.chunks].sort((one, other) => one[1].used - other[1].used);
    for (const [key] of oldest.slice(0, MOST_CHUNKS / 4)) this.chunks.delete(key);
  }

  /** Fetch the chunk that a line is in; the event `lines` says when it is here. */
  async want(part, place) {
    const key = this.key(part, place);
    if (!this.url || this.asked.has(key)) return;
    this.asked.add(key);
    const first = Math.floor((place - 1) / CHUNK) * CHUNK + 1;
    try {
      const query = { part: part.part, from: first, to: first + CHUNK - 1, ...(this.errors ? { stream: "err" } : {}) };
      const { errors } = this;
      const { lines } = await this.get(this.url, query);
      if (errors === this.errors) lines.forEach((line) => this.keep(part, line.i, line));
      this.asked.delete(key);
      this.dispatchEvent(new Event("lines"));
    } catch {
      // The network is away for a moment: whoever still looks at the place asks again.
      setTimeout(() => {
        this.asked.delete(key);
        this.dispatchEvent(new Event("lines"));
      }, 2000);
    }
  }

  async get(url, query) {
    const response = await fetch(`${url}?${new URLSearchParams(query)}`, { headers: { Accept: "application/json" } });
    if (!response.ok) throw new Error(`${response.status}`);
    return response.json();
  }

  /** Take a line that comes live; return {part, place}, place null while the line is not among those shown. */
  add(record) {
    const part = this.partOf(record.section);
    this.total += 1;
    part.lines += 1;
    const isError = record.stream === "err";
    if (isError) part.stderr += 1;
    this.started ??= record.t;
    const line = { ...record, n: this.total, part: part.part };
    if (isError && !this.firstError && ERROR.test(plain(record.text))) this.firstError = this.total;
    if (this.errors && !isError) return { part, place: null, line };
    this.keep(part, this.count(part), line);
    return { part, place: this.count(part), line };
  }

  partOf(name) {
    if (!name) return this.part(this.parts.some((part) => part.name) ? AFTER : BEFORE);
    const found = this.parts.find((part) => part.name === name);
    return found ?? this.addPart({ part: this.parts.filter((part) => part.name).length + 1, name, state: "running" });
  }

  /** Find a line by its number: {part, place}, or null. */
  async find(number) {
    for (const [key, { lines }] of this.chunks) {
      const at = lines.findIndex((line) => line?.n === number);
      const [part, mode, chunk] = key.split(":");
      if (at >= 0 && mode === (this.errors ? "err" : "")) return { part: this.part(Number(part)), place: Number(chunk) * CHUNK + at + 1 };
    }
    if (!this.url) return null;
    const { lines } = await this.get(this.url, { from: number, to: number });
    return lines.length ? { part: this.part(lines[0].part), place: lines[0].i } : null;
  }

  /** Return {total, hits: [[number, part, place]]} of the lines that hold some words. */
  async search(words) {
    if (this.searchUrl) return this.get(this.searchUrl, { q: words, ...(this.errors ? { stream: "err" } : {}) });
    const hits = [];
    const sought = words.toLowerCase();
    for (const part of this.parts) {
      for (let place = 1; place <= this.count(part); place += 1) {
        const line = this.line(part, place);
        if (line && plain(line.text).toLowerCase().includes(sought)) hits.push([line.n, part.part, place]);
      }
    }
    return { total: hits.length, hits };
  }

  /** Return the texts of the lines from one number to another, 20,000 at the most. */
  async texts(first, last) {
    const found = [];
    const end = Math.min(last, first + 19_999);
    for (let from = first; this.url && from <= end; from += 2000) {
      const { lines } = await this.get(this.url, { from, to: Math.min(from + 1999, end) });
      found.push(...lines);
    }
    if (!this.url) for (const { lines } of this.chunks.values()) found.push(...lines.filter((line) => line.n >= first && line.n <= end));
    return found.sort((one, other) => one.n - other.n).map((line) => plain(line.text));
  }
}

// Compilers tell progress on stderr too: an error says so, or names a file with line and column.
const ERROR = /\b(error|panic|fatal|failed|cannot|undefined)\b|\.\w+:\d+:\d+: /i;
