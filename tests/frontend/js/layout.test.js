import assert from "node:assert/strict";
import test from "node:test";
import { HEADING_HEIGHT, LINE_HEIGHT, LogLayout } from "../../../static/js/log/layout.js";

function layoutOf(...parts) {
  return new LogLayout({ parts, count: (part) => part.lines });
}

/** Pseudo-random integers below a limit, the same in every run. */
function* integers(limit, seed = 7) {
  for (let state = seed; ; ) {
    state = (state * 48271) % 2147483647;
    yield state % limit;
  }
}

test("headings, folds and unmeasured lines", () => {
  const plain = { part: 0, lines: 3, open: true };
  const folded = { part: 1, name: "one", lines: 100, open: false };
  const open = { part: 2, name: "two", lines: 2, open: true };
  const layout = layoutOf(plain, folded, open);
  assert.equal(layout.total(), 5 * LINE_HEIGHT + 2 * HEADING_HEIGHT);
  assert.equal(layout.top({ part: open, place: 0 }), 3 * LINE_HEIGHT + HEADING_HEIGHT);
  assert.equal(layout.top({ part: open, place: 2 }), 4 * LINE_HEIGHT + 2 * HEADING_HEIGHT);
  assert.deepEqual(layout.rows(59, 60 + HEADING_HEIGHT + 1).map(({ part, place }) => [part.part, place]),
    [[0, 3], [1, 0], [2, 0]]);
});

test("measured heights agree with plain sums", () => {
  const part = { part: 0, lines: 5000, open: true };
  const layout = layoutOf(part);
  const heights = Array(part.lines).fill(LINE_HEIGHT);
  const places = integers(part.lines);
  const lines = integers(5, 11);
  for (let turn = 0; turn < 2000; turn += 1) {
    const place = places.next().value + 1;
    const height = LINE_HEIGHT * (1 + lines.next().value);
    assert.equal(layout.setHeight({ part, place }, height), height - heights[place - 1]);
    heights[place - 1] = height;
  }
  const tops = [0];
  for (const height of heights) tops.push(tops.at(-1) + height);
  assert.equal(layout.total(), tops.at(-1));
  for (let turn = 0; turn < 200; turn += 1) {
    const place = places.next().value + 1;
    assert.equal(layout.top({ part, place }), tops[place - 1]);
    const [from, to] = [tops[place - 1], tops[place - 1] + 300];
    const expected = heights.flatMap((height, index) => (tops[index] + height > from && tops[index] < to ? [index + 1] : []));
    assert.deepEqual(layout.rows(from, to).map((row) => row.place), expected);
  }
  layout.reset();
  assert.equal(layout.total(), part.lines * LINE_HEIGHT);
});

test("a heading keeps its height", () => {
  const part = { part: 1, name: "one", lines: 1, open: true };
  assert.equal(layoutOf(part).setHeight({ part, place: 0 }, 99), 0);
});
