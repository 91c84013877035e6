// What each event of an answer does to its message in the chat, and what is offered in one that has ended.
import { announce, button, copyText, h, icon, toast } from "./dom.js";
import { duration } from "./formats.js";

/** Let each block of code be copied. */
export function offerCode(item) {
  for (const block of item.querySelectorAll(".markdown > .code, .markdown :not(.code-box) > .code")) {
    const copier = button("Copy", { "aria-label": "Copy the code" }, icon("copy"));
    copier.addEventListener("click", async () => {
      await copyText(block.textContent);
      toast("Copied.", "success");
    });
    const box = h("div", { class: "code-box" }, copier);
    block.replaceWith(box);
    box.append(block);
  }
}

function part(item, name) {
  return item.querySelector(`[data-chat-${name}]`);
}

/** The first call with this id that has no result: models reuse ids. */
function call(item, id) {
  return [...part(item, "calls").children].find(({ dataset }) => dataset.call === id && !("settled" in dataset));
}

function failed(item, { code, message, status }) {
  item.dataset.status = "failed";
  if (code === "stopped") {
    item.append(h("p", { class: "hint", "data-chat-stopped": true }, message));
    return;
  }
  item.append(h("p", { class: "chat-error", role: "alert" }, status ? `${message} (${status})` : message));
}

export const HANDLERS = {
  queue(item, { words }) {
    if (item.dataset.status === "queued") part(item, "usage").textContent = words;
  },
  start(item) {
    item.dataset.status = "streaming";
    part(item, "usage").textContent = "";
  },
  /** Somebody answered a call that waited: the answer goes on. */
  resume(item) {
    item.dataset.status = "queued";
    for (const old of item.querySelectorAll("[data-approval], [data-chat-note]")) old.remove();
  },
  wait(item, { words }) {
    part(item, "usage").textContent = words;
  },
  token(item, { text }) {
    HANDLERS.start(item);
    part(item, "text").append(text);
  },
  tool_call(item, { id, name, arguments: values }) {
    const words = [h("span", { class: "mono" }, name), h("span", { class: "muted" }, "running")];
    const summary = h("summary", {}, icon("tool"), ...words);
    const list = h("dl", {}, h("div", {}, h("dt", {}, "Arguments"), h("dd", {}, JSON.stringify(values, null, 2))));
    part(item, "calls").append(h("details", { class: "tool-call", "data-call": id }, summary, list));
  },
  tool_result(item, { id, result, error, ms }) {
    const element = call(item, id);
    if (!element) return;
    element.dataset.settled = "";
    element.querySelector(".muted").textContent = `${error ? "failed" : "done"} · ${duration(ms)}`;
    element.querySelector("dl").append(h("div", {}, h("dt", {}, "Result"), h("dd", {}, result)));
  },
  fallback(item, { note }) {
    part(item, "calls").after(h("p", { class: "hint", "data-chat-fallback": true }, note));
  },
  citations(item, { citations }) {
    const rows = citations.map(({ file, place, found, quotes = [] }) => {
      const name = h("span", { class: "break" }, place ? `${file}, ${place}` : file);
      const word = found ? null : h("span", { class: "net-word" }, "not in the agent’s files");
      const wrong = quotes.filter((quote) => !quote.found).map(({ text, elsewhere }) => (
        h("p", { class: "field-error" }, `“${text}” is not there${elsewhere ? `, but in ${elsewhere}` : ""}.`)
      ));
      return h("li", { "data-state": found ? "done" : "failed" }, name, word, ...wrong);
    });
    const list = h("ul", { class: "chat-sources" }, ...rows);
    part(item, "sources").replaceChildren(h("p", { class: "chat-who" }, "Sources"), list);
  },
  usage(item, { input_tokens: input, output_tokens: output, cost, first_token_ms: first }) {
    const tokens = `${input.toLocaleString("en")} tokens in, ${output.toLocaleString("en")} out`;
    const words = typeof first === "number" ? `first words after ${duration(first)}` : "";
    part(item, "usage").textContent = [tokens, cost, words].filter(Boolean).join(" · ");
  },
  done(item, { text, ms, note }) {
    item.dataset.status = "done";
    if (note) part(item, "text").after(h("p", { class: "hint", "data-chat-note": true }, note));
    part(item, "text").textContent = text;
    const usage = part(item, "usage");
    usage.textContent = [usage.textContent, duration(ms)].filter(Boolean).join(" · ");
    announce(text);
  },
  error: failed,
  network(item, { host, port, allowed }, { network }) {
    const list = network?.querySelector("ul");
    if (!list) return;
    network.querySelector("[data-chat-network-empty]")?.remove();
    const word = h("span", { class: "net-word" }, allowed ? "reached" : "refused");
    const address = h("span", { class: "mono clip" }, `${host}:${port}`);
    list.append(h("li", { "data-state": allowed ? "done" : "refused" }, address, word));
  },
};
