// The trial chat, on `data-chat` with `data-channel`: fetch sends a message, `live:chat` records bring the answer
// token by token. The server's reply holds the new messages as HTML; records that arrive before it wait. An answer is
// plain text while it arrives; when it has ended, the server's rendering takes its place. What another window does to
// the conversation comes with the page, which parts.js reads again; `data-page` is the conversation's address.
import { HANDLERS, offerCode } from "./chat_events.js";
import { forgetPictures, takePictures } from "./chat_pictures.js";
import { askAtOnce, keepQuestion, write } from "./chat_question.js";
import { h, on } from "./dom.js";
import { readPage, replace } from "./parts.js";
import { released } from "./press.js";

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
    this.position = Number(root.dataset.position);
    for (const item of this.list?.children ?? []) offerCode(item);
    this.beside = Boolean(root.closest("[data-draft-chat]"));
    this.scroller = this.beside ? this.list : document.scrollingElement;
    on("chat", root.dataset.channel, (record, seq) => this.receive(record, seq));
    if (!this.beside) {
      this.showAddress();
      document.addEventListener("parts:renewed", ({ detail }) => this.renew(detail.page));
      document.addEventListener("parts:gone", () => this.beginAnew());
    }
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
    keepQuestion(this.field, new URL(root.dataset.page, location.href).pathname);
    this.toEnd();
    askAtOnce(this.form, this.field);
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
      const page = new DOMParser().parseFromString(await response.text(), "text/html");
      await released();
      this.accept(response, page, form);
    } catch {
      this.showError("The message did not reach the forge. It is still here: send it again.");
    }
    this.sending = false;
    if (form.isConnected) form.dispatchEvent(new CustomEvent("forms:rest", { bubbles: true }));
    else document.dispatchEvent(new CustomEvent("parts:stale"));
    this.field.focus();
  }

  /** Show the messages of the server's reply, or its error. */
  accept(response, page, form) {
    const problem = page.querySelector(".chat-form :is(.field-error, .message), .messages > .message");
    if (!response.ok || !this.isNews(page)) {
      return this.showError(problem?.textContent.trim() || `The message was not sent (${response.status}).`);
    }
    if (form === this.form) {
      write(this.field, "");
      forgetPictures(form);
    } else form.reset();
    this.merge(page);
    this.toEnd();
  }

  isNews(page) {
    return itemsOf(page).some(({ dataset }) => !this.message(dataset.message));
  }

  /** Whether a reply is about to renew the chat, or the page has another one in its place. */
  isLeftAlone() {
    return this.sending || !this.root.isConnected;
  }

  /** Show what became of the conversation, unless the reply to a question is about to. */
  renew(page) {
    const now = page.querySelector("[data-chat]")?.dataset.conversation;
    const { conversation } = this.root.dataset;
    if (this.isLeftAlone() || now === undefined || (conversation && now !== conversation)) return;
    const near = this.isNearEnd();
    const isNews = this.isNews(page);
    this.merge(page);
    if (isNews && near) this.toEnd();
  }

  /** Go on in a new conversation, because this one is gone; what is being written stays. */
  async beginAnew() {
    if (this.isLeftAlone()) return;
    const { pathname } = new URL(this.root.dataset.page, location.href);
    const { page } = await readPage(`${pathname}?new=1`);
    if (!page?.querySelector("[data-chat]")) return;
    this.form.querySelector("[data-chat-problem]")?.remove();
    this.merge(page);
    const words = "This conversation was deleted in another window. What you send now begins a new one.";
    this.form.append(h("p", { class: "hint", "data-chat-problem": true, role: "status" }, words));
    // The page was not there to be read; now its address is another one.
    document.dispatchEvent(new CustomEvent("parts:stale"));
  }

  /** Bring the messages up to those of a page, and with them the conversation that they belong to. */
  merge(page) {
    const root = page.querySelector("[data-chat]");
    // A page that was read before the one that is shown.
    if (Number(root.dataset.position) < this.position) return;
    this.position = Number(root.dataset.position);
    const items = itemsOf(page);
    const known = new Set(items.map(({ dataset }) => dataset.message));
    const gone = [...this.list.children].filter(({ dataset }) => !known.has(dataset.message));
    for (const item of gone) this.drop(item);
    if (gone.length) this.forgetNetwork(page);
    if (this.isNews(page)) for (const item of this.list.querySelectorAll(".chat-foot [data-chat-again]")) item.remove();
    for (const item of items) {
      if (this.message(item.dataset.message)) continue;
      item.dataset.position = root.dataset.position;
      this.show(item);
    }
    this.forgetOthers();
    this.offerStop();
    this.take(root, page);
    if (!this.beside) this.showAddress();
  }

  /** The page's address without a conversation is that of the newest, which may be another one by now. */
  showAddress() {
    history.replaceState(history.state, "", this.root.dataset.page + location.hash);
  }

  /** Take over which conversation is shown, how it begins, and what can be done with it. */
  take(root, page) {
    Object.assign(this.root.dataset, { page: root.dataset.page, conversation: root.dataset.conversation });
    const place = root.querySelector("[data-chat-place]");
    for (const each of this.root.querySelectorAll("[data-chat-place]")) each.replaceWith(place.cloneNode(true));
    const [opening, fresh] = [this.root, root].map((each) => each.querySelector("[data-chat-opening]"));
    replace(opening, document.adoptNode(fresh));
    const [acts, now] = [document, page].map((each) => each.querySelector("[data-chat-acts]"));
    if (!acts || !now) return;
    const stays = acts.querySelector("form")?.action === now.querySelector("form")?.action;
    if (!stays || !acts.querySelector("details[open]")) replace(acts, document.adoptNode(now));
  }

  /** Remove a message; the words of a question that somebody is editing move to the next one. */
  drop(item) {
    const edit = item.querySelector("textarea");
    if (edit && edit.value !== edit.defaultValue && !this.field.value) write(this.field, edit.value);
    item.remove();
  }

  /** Show what the answers that are left reached. */
  forgetNetwork(page) {
    const now = page.querySelector("[data-chat-network]");
    if (!this.network || !now) return;
    this.network.replaceWith(document.adoptNode(now));
    this.network = now;
  }

  /** Forget events of answers that are not in this conversation. */
  forgetOthers() {
    for (const [message, events] of this.early) if (events.at(-1)[1] <= this.position) this.early.delete(message);
  }

  show(item) {
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
    const idle = !this.list.querySelector('[data-status="streaming"], [data-status="queued"]');
    // Once: the page is read again after this event, and what is read is merged, which comes back here.
    if (idle && !this.stop.hidden) this.stop.dispatchEvent(new CustomEvent("forms:rest", { bubbles: true }));
    this.stop.hidden = idle;
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
  }

  apply(item, event) {
    const near = this.isNearEnd();
    HANDLERS[event.type]?.(item, event, this);
    this.offerStop();
    if (this.settled(item)) this.render(item, near);
    if (near) this.toEnd();
  }

  /** Put the server's rendering in the place of an answer that has ended; without a network it stays as it is. */
  async render(item, near) {
    const { page } = await readPage(item.dataset.url);
    const fresh = page?.querySelector(`[data-message="${CSS.escape(item.dataset.message)}"]`);
    if (!fresh || !item.isConnected || !this.settled(fresh)) return;
    const open = [...item.querySelectorAll("details")].map((details) => details.open);
    [...fresh.querySelectorAll("details")].forEach((details, index) => { details.open = open[index] ?? false; });
    item.replaceWith(document.adoptNode(fresh));
    offerCode(fresh);
    if (near) this.toEnd();
  }

  isNearEnd() {
    const { scrollTop, clientHeight, scrollHeight } = this.scroller;
    return scrollTop + clientHeight > scrollHeight - 160;
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
document.addEventListener("parts:replaced", ({ target }) => target.querySelectorAll("[data-chat]").forEach(start));
