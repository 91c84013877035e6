import assert from "node:assert/strict";
import test from "node:test";
import { duration, plural, relative, size } from "../../../static/js/formats.js";

test("durations", () => {
  const cases = [[0, "<0.1 s"], [49, "<0.1 s"], [50, "0.1 s"], [840, "0.8 s"], [9949, "9.9 s"], [9950, "10 s"],
    [59_999, "60 s"], [60_000, "1 min 0 s"], [185_000, "3 min 5 s"], [3_600_000, "1 h 0 min"], [7_439_000, "2 h 3 min"]];
  for (const [ms, text] of cases) assert.equal(duration(ms), text, `${ms} ms`);
});

test("sizes", () => {
  const cases = [[0, "0 B"], [999, "999 B"], [1800, "1.8 KB"], [1_000_000, "1.0 MB"], [12_960_000, "13.0 MB"]];
  for (const [bytes, text] of cases) assert.equal(size(bytes), text);
});

test("counts with nouns", () => {
  assert.deepEqual([0, 1, 1200].map((count) => plural(count, "line")), ["0 lines", "1 line", "1,200 lines"]);
});

test("times relative to now", () => {
  const now = Date.UTC(2026, 10, 28, 12);
  const cases = [[0, "just now"], [-9, "just now"], [-10, "10 seconds ago"], [-119, "1 minute ago"], [-7200, "2 hours ago"],
    [3 * 86400, "in 3 days"], [7 * 86400 - 60, "in 7 days"], [89, "in 1 minute"], [3599, "in 1 hour"],
    [-45 * 86400, "1 month ago"], [-800 * 86400, "2 years ago"]];
  for (const [seconds, text] of cases) assert.equal(relative(new Date(now + seconds * 1000), now), text);
});
