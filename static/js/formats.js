// Durations, sizes and times as people write them: pure functions, for what changes while a page is open.

/** Format milliseconds: "<0.1 s", "0.8 s", "12 s", "3 min 5 s", "2 h 4 min". */
export function duration(ms) {
  if (ms < 50) return "<0.1 s";
  const seconds = ms / 1000;
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  if (seconds < 60) return `${Math.round(seconds)} s`;
  const whole = Math.round(seconds);
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}

/** Format bytes: "412 B", "1.8 KB", "13.0 MB". */
export function size(bytes) {
  if (bytes < 1e3) return `${bytes} B`;
  return bytes < 1e6 ? `${(bytes / 1e3).toFixed(1)} KB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

/** Format a count with its noun: "1 line", "1,200 lines". */
export function plural(count, noun) {
  return `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;
}

const UNITS = [[60, "second", 1], [3600, "minute", 60], [86400, "hour", 3600], [86400 * 30, "day", 86400],
  [86400 * 365, "month", 86400 * 30], [Infinity, "year", 86400 * 365]];
const relativeTime = new Intl.RelativeTimeFormat("en", { numeric: "always" });

/** Format a Date relative to `now` (epoch milliseconds): "just now", "2 minutes ago", "in 3 days". */
export function relative(at, now = Date.now()) {
  const seconds = (at - now) / 1000;
  if (Math.abs(seconds) < 10) return "just now";
  // What lasts is told by whole units; what is to come is not told short, and may round up to the next unit.
  const count = (length) => Math.trunc(seconds / length + (seconds > 0 ? 0.5 : 0));
  const [, unit, length] = UNITS.find(([limit, , length]) => Math.abs(count(length)) * length < limit);
  return relativeTime.format(count(length), unit);
}
