// The trial chat, on `data-chat` with `data-channel`: fetch sends a message, `live:chat` records bring the answer
// token by token. The server's reply holds the new messages as HTML; records that arrive before it wait. An answer is
// plain text while it arrives; when it has ended, the server's rendering takes its place. Messages that another window
// sent are read from `data-page`, the address of this conversation.
import { HANDLERS, offerCode } from "./chat_events.js";
import { forgetPictures, takePictures } from "./chat_pictures.js";
import { h, on } from "./dom.js";

class Chat {
  constructor(root) {
    this.root = root;
    this.list = root.querySelector("[data-chat-messages]");
    this.form = root.querySelector("[data-chat-form]");
    this.network = document.querySelector("[data-chat-network]");
    this.stop = root.querySelector("[data-chat-stop]");
    this.stop?.addEventListener("submit", (event) => this.cancel(event));
    this.early = new Map();
    this.sending = false;
    this.sought = new Set();
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
    takePictures(this.form);
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
    // Of two presses, one: the second would ask the same again.
    if (this.sending) return event.stopPropagation();
    this.form.querySelector("[data-chat-problem]")?.remove();
    const form = event.target;
    const body = new FormData(form, event.submitter?.name ? event.submitter : null);
    this.sending = true;
    try {
      const response = await fetch(form.action, { method: "POST", body, headers: { Accept: "text/html" } });
      this.accept(response, new DOMParser().parseFromString(await response.text(), "text/html"), form);
    } catch {
      this.showError("The message did not reach the forge. It is still here: send it again.");
    }
    this.sending = false;
    form.dispatchEvent(new CustomEvent("forms:rest", { bubbles: true }));
    this.field.focus();
  }

  /** Show the messages of the server's reply, or its error. */
  accept(response, page, form) {
    const problem = page.querySelector(".chat-form :is(.field-error, .message), .messages > .message");
    if (!response.ok || !this.isNews(page)) {
      return this.showError(problem?.textContent.trim() || `The message was not sent (${response.status}).`);
    }
    if (form === this.form) {
      this.field.value = "";
      forgetPictures(form);
    }
    this.merge(page);
    if (this.root.hasAttribute("data-own-page")) history.replaceState(history.state, "", this.root.dataset.page);
    this.toEnd();
  }

  isNews(page) {
    return itemsOf(page).some(({ dataset }) => !this.message(dataset.message));
  }

  /** Bring the messages up to those of a page, and with them the conversation that they belong to. */
  merge(page) {
    const root = page.querySelector("[data-chat]");
    const items = itemsOf(page);
    const known = new Set(items.map(({ dataset }) => dataset.message));
    for (const item of [...this.list.children]) if (!known.has(item.dataset.message)) item.remove();
    for (const item of this.list.querySelectorAll(".chat-foot [data-chat-again]")) item.remove();
    for (const item of items) {
      if (this.message(item.dataset.message)) continue;
      item.dataset.position = root.dataset.position;
      this.show(item);
    }
    this.root.dataset.page = root.dataset.page;
    const place = root.querySelector("[data-chat-place]");
    for (const each of this.root.querySelectorAll("[data-chat-place]")) each.replaceWith(place.cloneNode(true));
    const [acts, now] = [document, page].map((each) => each.querySelector("[data-chat-acts]"));
    if (acts && now && acts.dataset.chatActs !== now.dataset.chatActs) acts.replaceWith(document.adoptNode(now));
  }

  /** Show a message that another window sent, if it belongs to this conversation. */
  async seek(message) {
    const { page } = this.root.dataset;
    if (!page || this.sending || this.sought.has(message)) return;
    this.sought.add(message);
    const response = await fetch(page, { headers: { Accept: "text/html" } }).catch(() => null);
    if (!response?.ok || response.redirected || this.sending) return void this.sought.delete(message);
    const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
    if (!fresh.querySelector("[data-chat]") || this.sending || !this.isNews(fresh)) return;
    this.merge(fresh);
    this.toEnd();
  }

  show(item) {
    for (const hint of this.root.querySelectorAll("[data-chat-empty]")) hint.remove();
    this.list.append(document.adoptNode(item));
    const waiting = this.early.get(item.dataset.message) ?? [];
    this.early.delete(item.dataset.message);
    for (const [event, seq] of waiting) {
      if (!this.settled(item) && seq > Number(item.dataset.position)) this.apply(item, event);
    }
    if (this.settled(item)) offerCode(item);
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
    // The page shows what came up to its position, and so does a message that came later.
    const item = this.message(message);
    if (seq <= Number(item?.dataset.position ?? this.root.dataset.position ?? 0)) return undefined;
    if (item) return (this.settled(item) && event.type !== "resume") || this.apply(item, event);
    const waiting = this.early.get(String(message)) ?? [];
    this.early.set(String(message), [...waiting, [event, seq]]);
    this.seek(message);
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

function itemsOf(page) {
  return [...page.querySelectorAll("[data-chat-messages] > [data-message]")];
}

/** Start the chat of an element that was put into the page. */
export function start(root) {
  return new Chat(root);
}

for (const root of document.querySelectorAll("[data-chat]")) start(root);
