// The trial chat, on `data-chat` with `data-channel`: fetch sends a message, `live:chat` records bring the answer
// token by token. The server's reply holds the new messages as HTML; records that arrive before it wait. An answer is
// plain text while it arrives; when it has ended, the server's rendering takes its place.
import { announce, button, copyText, h, icon, on, toast } from "./dom.js";
import { duration } from "./formats.js";

class Chat {
  constructor(root) {
    this.root = root;
    this.list = root.querySelector("[data-chat-messages]");
    this.form = root.querySelector("[data-chat-form]");
    this.network = document.querySelector("[data-chat-network]");
    this.stop = root.querySelector("[data-chat-stop]");
    this.stop?.addEventListener("submit", (event) => this.cancel(event));
    this.early = new Map();
    for (const item of this.list?.children ?? []) offerCode(item);
    this.scroller = root.closest("[data-draft-chat]") ? this.list : document.scrollingElement;
    on("chat", root.dataset.channel, (record, seq) => this.receive(record, seq));
    if (!this.form) return;
    this.field = this.form.querySelector("textarea");
    this.form.addEventListener("submit", (event) => this.send(event));
    this.root.addEventListener("submit", (event) => {
      if (event.target.matches("[data-chat-again]")) this.send(event);
    });
    this.field.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      if (this.field.value.trim()) this.form.requestSubmit();
    });
    this.toEnd();
    this.askAtOnce();
  }

  /** A build that was compiled to be asked gets the question that was written for it. */
  askAtOnce() {
    if (location.hash !== "#ask") return;
    const key = `question:${location.pathname.split("/")[2]}`;
    const question = sessionStorage.getItem(key);
    sessionStorage.removeItem(key);
    history.replaceState(history.state, "", location.pathname);
    this.field.focus();
    if (!question) return;
    this.field.value = question;
    this.form.requestSubmit();
  }

  message(id) {
    return this.list.querySelector(`[data-message="${CSS.escape(String(id))}"]`);
  }

  /** Send the form of a question: a new one, or one that is asked again and replaces what followed it. */
  async send(event) {
    event.preventDefault();
    this.form.querySelector("[data-chat-problem]")?.remove();
    const form = event.target;
    const body = new FormData(form, event.submitter?.name ? event.submitter : null);
    try {
      const response = await fetch(form.action, { method: "POST", body, headers: { Accept: "text/html" } });
      this.accept(response, new DOMParser().parseFromString(await response.text(), "text/html"), form);
    } catch {
      this.showError("The message did not reach the forge. It is still here: send it again.");
    }
    form.dispatchEvent(new CustomEvent("forms:rest", { bubbles: true }));
    this.field.focus();
  }

  /** Show the messages of the server's reply, or its error. */
  accept(response, page, form) {
    const problem = page.querySelector(".chat-form :is(.field-error, .message), .messages > .message");
    const items = [...page.querySelectorAll("[data-chat-messages] > [data-message]")];
    const isNew = items.some(({ dataset }) => !this.message(dataset.message));
    if (!response.ok || !isNew) {
      return this.showError(problem?.textContent.trim() || `The message was not sent (${response.status}).`);
    }
    if (form === this.form) this.field.value = "";
    const known = new Set(items.map(({ dataset }) => dataset.message));
    for (const item of [...this.list.children]) if (!known.has(item.dataset.message)) item.remove();
    for (const item of this.list.querySelectorAll(".chat-foot [data-chat-again]")) item.remove();
    for (const item of items) if (!this.message(item.dataset.message)) this.show(item);
    this.toEnd();
  }

  show(item) {
    for (const hint of this.root.querySelectorAll("[data-chat-empty]")) hint.remove();
    this.list.append(document.adoptNode(item));
    const waiting = this.early.get(item.dataset.message) ?? [];
    this.early.delete(item.dataset.message);
    if (!this.settled(item)) for (const event of waiting) this.apply(item, event);
    this.offerStop();
  }

  async cancel(event) {
    event.preventDefault();
    const body = new FormData(this.stop);
    await fetch(this.stop.action, { method: "POST", body, redirect: "manual" }).catch(() => {});
  }

  /** Show the stop button while an answer is being written. */
  offerStop() {
    if (!this.stop) return;
    this.stop.hidden = !this.list.querySelector('[data-status="streaming"], [data-status="queued"]');
    if (this.stop.hidden) this.stop.dispatchEvent(new CustomEvent("forms:rest", { bubbles: true }));
  }

  settled(item) {
    return item.dataset.status === "done" || item.dataset.status === "failed";
  }

  showError(text) {
    this.form.append(h("p", { class: "field-error", "data-chat-problem": true, role: "alert" }, text));
  }

  receive({ message, event }, seq) {
    // The page shows what came up to its position.
    if (seq <= Number(this.root.dataset.position ?? 0)) return undefined;
    const item = this.message(message);
    if (item) return this.settled(item) || this.apply(item, event);
    const waiting = this.early.get(String(message)) ?? [];
    this.early.set(String(message), [...waiting, event]);
  }

  apply(item, event) {
    const { scrollTop, clientHeight, scrollHeight } = this.scroller;
    const near = scrollTop + clientHeight > scrollHeight - 160;
    HANDLERS[event.type]?.(item, event, this);
    this.offerStop();
    if (this.settled(item)) this.renew(item, near);
    if (near) this.toEnd();
  }

  /** Put the server's rendering in the place of an answer that has ended; without a network it stays as it is. */
  async renew(item, near) {
    const response = await fetch(item.dataset.url, { headers: { Accept: "text/html" } }).catch(() => null);
    if (!response?.ok || response.redirected || !item.isConnected) return;
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    const fresh = page.querySelector(`[data-message="${CSS.escape(item.dataset.message)}"]`);
    if (!fresh || !this.settled(fresh)) return;
    const open = [...item.querySelectorAll("details")].map((details) => details.open);
    [...fresh.querySelectorAll("details")].forEach((details, index) => { details.open = open[index] ?? false; });
    item.replaceWith(document.adoptNode(fresh));
    offerCode(fresh);
    if (near) this.toEnd();
  }

  toEnd() {
    this.scroller.scrollTo({ top: this.scroller.scrollHeight });
  }
}

/** Let each block of code be copied. */
function offerCode(item) {
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
  if (code === "stopped") return item.append(h("p", { class: "hint", "data-chat-stopped": true }, message));
  item.append(h("p", { class: "chat-error", role: "alert" }, status ? `${message} (${status})` : message));
}

const HANDLERS = {
  queue(item, { words }) {
    if (item.dataset.status === "queued") part(item, "usage").textContent = words;
  },
  start(item) {
    item.dataset.status = "streaming";
    part(item, "usage").textContent = "";
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
  usage(item, { input_tokens: input, output_tokens: output }) {
    part(item, "usage").textContent = `${input.toLocaleString("en")} tokens in, ${output.toLocaleString("en")} out`;
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

/** Start the chat of an element that was put into the page. */
export function start(root) {
  return new Chat(root);
}

for (const root of document.querySelectorAll("[data-chat]")) start(root);
