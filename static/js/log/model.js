// The data of a log panel: its parts (sections, and the lines outside of them), the number of lines in each, and the
// lines that are loaded. The others are fetched from the server in chunks on demand.
import { plain } from "./ansi.js";

const CHUNK = 500;
const MAX_CHUNKS = 60;
const RETRY_MS = 2000;
const COPY_LIMIT = 20_000;
const COPY_CHUNK = 2000;
// The parts that hold the lines before and after all sections.
const BEFORE = 0;
const AFTER = -1;
// Compilers write progress to stderr too: an error names itself, or a file with line and column.
const ERROR = /\b(error|panic|fatal|failed|cannot|undefined)\b|\.\w+:\d+:\d+: /i;

export class LogModel extends EventTarget {
  constructor(root) {
    super();
    this.url = root.dataset.linesUrl;
    this.searchUrl = root.dataset.searchUrl;
    this.errors = false;
    this.parts = [];
    this.total = 0;
    this.chunks = new Map();
    this.pending = new Set();
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

  /** Add the part for lines after the last section, unless the server listed one. */
  ensureLastPart() {
    if (!this.part(AFTER)) this.addPart({ part: AFTER });
  }

  part(number) {
    return this.parts.find((part) => part.part === number);
  }

  /** Return the part with a section's name, created if it is new; without a name, the one that now takes lines. */
  partOf(name) {
    const sections = this.parts.filter((part) => part.name);
    if (!name) return this.part(sections.length ? AFTER : BEFORE);
    const existing = sections.find((part) => part.name === name);
    return existing ?? this.addPart({ part: sections.length + 1, name, state: "running" });
  }

  /** Return the number of lines shown of a part: all, or those of stderr. */
  count(part) {
    return this.errors ? part.stderr : part.lines;
  }

  /** Return a line by its place in its part, from 1; undefined while it is not loaded. */
  line(part, place) {
    const chunk = this.chunks.get(this.key(part, place));
    if (chunk) chunk.used = performance.now();
    return chunk?.lines[(place - 1) % CHUNK];
  }

  key(part, place) {
    return `${part.part}:${this.mode}:${Math.floor((place - 1) / CHUNK)}`;
  }

  get mode() {
    return this.errors ? "err" : "";
  }

  get filter() {
    return this.errors ? { stream: "err" } : {};
  }

  store(part, place, line) {
    const key = this.key(part, place);
    let chunk = this.chunks.get(key);
    if (!chunk) this.chunks.set(key, (chunk = { lines: [], used: performance.now() }));
    chunk.lines[(place - 1) % CHUNK] ??= line;
    if (this.url && this.chunks.size > MAX_CHUNKS) this.evict();
  }

  evict() {
    const oldest = [...this.chunks].sort((one, other) => one[1].used - other[1].used);
    for (const [key] of oldest.slice(0, MAX_CHUNKS / 4)) this.chunks.delete(key);
  }

  /** Fetch the chunk that holds a line; dispatch `lines` when it is loaded or may be requested again. */
  async request(part, place) {
    const key = this.key(part, place);
    if (!this.url || this.pending.has(key)) return;
    this.pending.add(key);
    const from = Math.floor((place - 1) / CHUNK) * CHUNK + 1;
    const { errors } = this;
    const settle = () => {
      this.pending.delete(key);
      this.dispatchEvent(new Event("lines"));
    };
    try {
      const { lines } = await this.get(this.url, { part: part.part, from, to: from + CHUNK - 1, ...this.filter });
      if (errors === this.errors) lines.forEach((line) => this.store(part, line.i, line));
      settle();
    } catch {
      setTimeout(settle, RETRY_MS); // offline for a moment: the redraw requests what is still in sight
    }
  }

  async get(url, query) {
    const response = await fetch(`${url}?${new URLSearchParams(query)}`, { headers: { Accept: "application/json" } });
    if (!response.ok) throw new Error(`${response.status}`);
    return response.json();
  }

  /** Append a live line; return {part, place}, with place null when the filter hides the line. */
  add(record) {
    const part = this.partOf(record.section);
    this.total += 1;
    part.lines += 1;
    const isError = record.stream === "err";
    if (isError) part.stderr += 1;
    this.started ??= record.t;
    if (isError && !this.firstError && ERROR.test(plain(record.text))) this.firstError = this.total;
    if (this.errors && !isError) return { part, place: null };
    const place = this.count(part);
    this.store(part, place, { ...record, n: this.total, part: part.part });
    return { part, place };
  }

  /** Find a line by its number: {part, place}, or null. */
  async find(number) {
    for (const [key, { lines }] of this.chunks) {
      const index = lines.findIndex((line) => line?.n === number);
      const [part, mode, chunk] = key.split(":");
      if (index < 0 || mode !== this.mode) continue;
      return { part: this.part(Number(part)), place: Number(chunk) * CHUNK + index + 1 };
    }
    if (!this.url) return null;
    const { lines } = await this.get(this.url, { from: number, to: number });
    return lines.length ? { part: this.part(lines[0].part), place: lines[0].i } : null;
  }

  /** Return {total, hits: [[number, part, place]]} of the lines that contain a text. */
  async search(text) {
    if (this.searchUrl) return this.get(this.searchUrl, { q: text, ...this.filter });
    const hits = [];
    const needle = text.toLowerCase();
    for (const part of this.parts) {
      for (let place = 1; place <= this.count(part); place += 1) {
        const line = this.line(part, place);
        if (line && plain(line.text).toLowerCase().includes(needle)) hits.push([line.n, part.part, place]);
      }
    }
    return { total: hits.length, hits };
  }

  /** Return the texts of the lines from one number to another, at most 20,000. */
  async texts(first, last) {
    const end = Math.min(last, first + COPY_LIMIT - 1);
    const lines = this.url ? await this.fetchLines(first, end) : this.loadedLines(first, end);
    return lines.sort((one, other) => one.n - other.n).map((line) => plain(line.text));
  }

  async fetchLines(first, end) {
    const fetched = [];
    for (let from = first; from <= end; from += COPY_CHUNK) {
      const { lines } = await this.get(this.url, { from, to: Math.min(from + COPY_CHUNK - 1, end) });
      fetched.push(...lines);
    }
    return fetched;
  }

  loadedLines(first, end) {
    return [...this.chunks.values()].flatMap(({ lines }) => lines.filter((line) => line.n >= first && line.n <= end));
  }
}
