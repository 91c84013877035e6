// Use a store as a function does, with the real client, and print what came of it:
// node use.mjs NODE_MODULES EVENT, or with a NETLIFY_BLOBS_CONTEXT instead of an event.
const [modules, event] = process.argv.slice(2);
const { connectLambda, getStore } = await import(`${modules}/@netlify/blobs/dist/main.js`);
if (event) connectLambda(JSON.parse(event));
const store = getStore("agent-approvals");
const created = async (key) => (await store.set(key, "", { onlyIfNew: true })).modified;
const keys = async () => (await store.list()).blobs.map((blob) => blob.key).sort();
const results = [await created("1-a"), await created("1-a"), await created("2-b"), await keys()];
await store.delete("1-a");
await store.delete("1-a");
results.push(await keys(), await created("1-a"));
console.log(JSON.stringify(results));
