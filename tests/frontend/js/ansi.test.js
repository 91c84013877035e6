import assert from "node:assert/strict";
import test from "node:test";
import { plain, spans } from "../../../static/js/log/ansi.js";

test("text without sequences stays whole", () => {
  assert.deepEqual(spans("go build ./..."), [["go build ./...", ""]]);
  assert.deepEqual(spans(""), []);
});

test("colours and attributes become sorted classes until they are reset", () => {
  const text = "\x1b[1;31mbad\x1b[22m less\x1b[0m off";
  assert.deepEqual(spans(text), [["bad", "sgr-bold sgr-fg-1"], [" less", "sgr-fg-1"], [" off", ""]]);
});

test("bright, extended and true colours map to the nearest of 16", () => {
  const classOf = (codes) => spans(`\x1b[${codes}mx`)[0][1];
  assert.equal(classOf("97"), "sgr-fg-15");
  assert.equal(classOf("102"), "sgr-bg-10");
  assert.equal(classOf("38;5;196"), "sgr-fg-9");
  assert.equal(classOf("48;5;232"), "sgr-bg-0");
  assert.equal(classOf("38;2;10;200;30"), "sgr-fg-10");
  assert.equal(classOf("38;5"), "");
});

test("other sequences and control characters are dropped, tabs are kept", () => {
  assert.equal(plain("\x1b]8;;http://x\x07link\x1b]8;;\x1b\\\x1b[2J\x1b(B\x07\ttab\x9b"), "link\ttab");
});

test("neighbours of one style are one piece", () => {
  assert.deepEqual(spans("a\x1b[2Kb\x1b[31mc\x1b[31md"), [["ab", ""], ["cd", "sgr-fg-1"]]);
});
