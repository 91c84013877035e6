import assert from "node:assert/strict";
import test from "node:test";
import { LogModel } from "../../../static/js/log/model.js";

function liveModel() {
  const model = new LogModel({ dataset: {} });
  model.addPart({ part: 0 });
  model.ensureLastPart();
  return model;
}

/** A model whose server holds `count` lines in one part; `requests` lists the queries. */
function remoteModel(t, count) {
  const requests = [];
  t.mock.method(globalThis, "fetch", async (url) => {
    const query = Object.fromEntries(new URL(url, "http://forge").searchParams);
    requests.push(query);
    const lines = [];
    for (let n = Number(query.from); n <= Math.min(Number(query.to), count); n += 1) {
      lines.push({ n, i: n, part: 0, stream: "out", text: `line ${n}` });
    }
    return { ok: true, json: async () => ({ lines }) };
  });
  const model = new LogModel({ dataset: { linesUrl: "/lines" } });
  const part = model.addPart({ part: 0, lines: count });
  return { model, part, requests };
}

test("live lines are numbered and go to their sections", () => {
  const model = liveModel();
  model.add({ text: "before", stream: "out", t: 10 });
  model.add({ text: "in", stream: "out", section: "one", t: 11 });
  model.add({ text: "in two", stream: "out", section: "two", t: 12 });
  model.add({ text: "after", stream: "sys", t: 13 });
  assert.deepEqual(model.parts.map(({ part, name, lines }) => [part, name, lines]),
    [[0, "", 1], [1, "one", 1], [2, "two", 1], [-1, "", 1]]);
  assert.equal(model.line(model.part(-1), 1).n, 4);
  assert.equal(model.started, 10);
});

test("the first error is a line of stderr that names one", () => {
  const model = liveModel();
  for (const [stream, text] of [["out", "error: on stdout"], ["err", "go: downloading"], ["err", "\x1b[31mmain.go:7:2: x"]]) {
    model.add({ text, stream, t: 1 });
  }
  assert.equal(model.firstError, 3);
});

test("the filter hides other lines and counts those of stderr", () => {
  const model = liveModel();
  const part = model.part(0);
  model.errors = true;
  assert.equal(model.add({ text: "a", stream: "out", t: 1 }).place, null);
  assert.equal(model.add({ text: "b", stream: "err", t: 1 }).place, 1);
  assert.equal(model.count(part), 1);
  model.errors = false;
  assert.equal(model.count(part), 2);
});

test("search and copy see what a line shows, in order", async () => {
  const model = liveModel();
  model.add({ text: "\x1b[31mRed\x1b[0m line", stream: "out", t: 1 });
  model.add({ text: "other", stream: "out", section: "one", t: 1 });
  model.add({ text: "a red line", stream: "out", t: 1 });
  assert.deepEqual(await model.search("red line"), { total: 2, hits: [[1, 0, 1], [3, -1, 1]] });
  assert.deepEqual(await model.texts(1, 2), ["Red line", "other"]);
  assert.deepEqual(await model.find(2), { part: model.part(1), place: 1 });
  assert.equal(await model.find(9), null);
});

test("missing lines are fetched once, by chunk", async (t) => {
  const { model, part, requests } = remoteModel(t, 2000);
  assert.equal(model.line(part, 700), undefined);
  await Promise.all([model.request(part, 700), model.request(part, 701)]);
  assert.deepEqual(requests, [{ part: "0", from: "501", to: "1000" }]);
  assert.equal(model.line(part, 1000).text, "line 1000");
  assert.deepEqual(await model.find(1500), { part, place: 1500 });
});

test("the least recently used chunks are dropped", async (t) => {
  const { model, part } = remoteModel(t, 61 * 500);
  for (let chunk = 0; chunk < 61; chunk += 1) await model.request(part, chunk * 500 + 1);
  assert.equal(model.line(part, 1), undefined);
  assert.ok(model.line(part, 61 * 500));
});

test("a failed request may be repeated after a pause", async (t) => {
  const pauses = [];
  t.mock.method(globalThis, "setTimeout", (settle) => pauses.push(settle));
  const fetched = t.mock.method(globalThis, "fetch", async () => { throw new Error("offline"); });
  const model = new LogModel({ dataset: { linesUrl: "/lines" } });
  const part = model.addPart({ part: 0, lines: 10 });
  await model.request(part, 1);
  await model.request(part, 1);
  assert.equal(fetched.mock.callCount(), 1);
  pauses.forEach((settle) => settle());
  await model.request(part, 1);
  assert.equal(fetched.mock.callCount(), 2);
});

test("copying many lines fetches them in steps, up to a limit", async (t) => {
  const { model, requests } = remoteModel(t, 30_000);
  const texts = await model.texts(1, 30_000);
  assert.equal(texts.length, 20_000);
  assert.equal(requests.length, 10);
});
