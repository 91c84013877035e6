import assert from "node:assert/strict";
import test from "node:test";
import { rangeOf } from "../../../static/js/log/links.js";

test("a hash names a line or a range, in either order", () => {
  assert.deepEqual(["#L10", "#L10-L20", "#L20-L10"].map(rangeOf), [[10, 10], [10, 20], [10, 20]]);
  assert.deepEqual(["", "#L", "#L1-2", "#keys"].map(rangeOf), [null, null, null, null]);
});
