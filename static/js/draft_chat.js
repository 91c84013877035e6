// The chat with the draft beside the wizard's forms, on `details[data-draft-chat="URL"]`: opening it shows the chat of the
// page at that URL, and it stays open from tab to tab, in the same conversation. What it shows is renewed with the page.
import { start } from "./chat.js";
import { h, on } from "./dom.js";
import { readPage } from "./parts.js";
import { released } from "./press.js";

/** Why a title was not changed: in the server's words where it has some. */
async function refusalOf(response) {
  if (!response) return "The forge did not answer. Try again.";
  const answer = await response.json().catch(() => null);
  return answer?.errors?.title?.[0] ?? `The forge refused it with status ${response.status}. Load the page again.`;
}

class DraftChat {
  constructor(panel) {
    this.panel = panel;
    this.body = panel.querySelector("[data-draft-chat-body]");
    this.kept = `draft-chat:${panel.dataset.channel}`;
    this.early = [];
    // Until the chat is there, it misses nothing.
    on("chat", panel.dataset.channel, (record, seq) => { if (!this.chat) this.early.push([record, seq]); });
    panel.addEventListener("toggle", () => this.toggled());
    panel.addEventListener("keydown", (event) => this.leave(event));
    this.body.addEventListener("click", (event) => this.turn(event));
    this.body.addEventListener("submit", (event) => this.rename(event));
    document.addEventListener("parts:renewed", () => { if (this.chat) this.renew(); });
    document.addEventListener("click", (event) => this.enter(event));
    addEventListener("pagehide", () => this.keep());
    this.address = sessionStorage.getItem(this.kept) ?? "";
    if (this.address) panel.open = true;
    else this.wanted = true;
  }

  /** The address of the conversation that is shown. */
  get shown() {
    return this.chat?.root.dataset.page || this.address || this.panel.dataset.draftChat;
  }

  keep() {
    if (this.panel.open) sessionStorage.setItem(this.kept, this.shown);
    else sessionStorage.removeItem(this.kept);
  }

  toggled() {
    this.keep();
    if (!this.panel.open) return;
    if (this.chat) this.focus();
    else this.load();
  }

  async load() {
    let { page, gone } = await readPage(this.shown);
    if (gone) ({ page } = await readPage(this.panel.dataset.draftChat));
    const root = page?.querySelector("[data-chat]");
    if (!root) return this.offerAgain();
    const others = h("details", { class: "chat-edit" }, h("summary", {}, "Conversations"));
    others.append(document.adoptNode(page.querySelector("[data-conversations]")));
    this.body.replaceChildren(document.adoptNode(root), others);
    this.chat = start(root);
    for (const [record, seq] of this.early.splice(0)) this.chat.receive(record, seq);
    this.focus();
  }

  offerAgain() {
    const again = h("button", { type: "button", class: "button small" }, "Try again");
    again.addEventListener("click", () => this.load());
    this.body.replaceChildren(h("p", {}, "The chat could not be loaded."), again);
  }

  async renew() {
    const asked = this.shown;
    const { page, gone } = await readPage(asked);
    // Another conversation was chosen meanwhile.
    if (asked !== this.shown) return;
    if (gone) this.chat.beginAnew();
    else if (page) {
      this.showParts(page);
      this.chat.renew(page);
    }
  }

  showParts(page) {
    for (const part of this.body.querySelectorAll("[data-part]")) {
      const now = page.querySelector(`[data-part="${CSS.escape(part.dataset.part)}"]`);
      if (now && !part.isEqualNode(now)) part.replaceWith(document.adoptNode(now));
    }
  }

  /** Show another conversation here. */
  async turn(event) {
    const link = event.target.closest("a[href]");
    if (!this.chat || link?.pathname !== this.panel.dataset.draftChat || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    this.chosen = link.href;
    const { page } = await readPage(link.href);
    // Of several that were pressed, the last.
    if (!page || this.chosen !== link.href) return;
    this.showParts(page);
    this.chat.merge(page);
    this.chat.toEnd();
    this.focus();
  }

  /** Give the conversation another title; the pages that list it hear of it. */
  async rename(event) {
    const form = event.target;
    if (!form.matches("[data-chat-title]")) return;
    event.preventDefault();
    const sent = { method: "POST", body: new FormData(form), headers: { Accept: "application/json" } };
    const response = await fetch(form.action, sent).catch(() => null);
    await released();
    form.querySelector(".field-error")?.remove();
    if (response?.ok) form.closest("details").open = false;
    else form.append(h("p", { class: "field-error", role: "alert" }, await refusalOf(response)));
    form.dispatchEvent(new CustomEvent("forms:rest", { bubbles: true }));
  }

  /** Somebody who opened the chat wants to write; one that was open already leaves the focus alone. */
  focus() {
    if (this.wanted) this.body.querySelector("[data-chat-form] textarea")?.focus({ preventScroll: true });
    this.wanted = true;
  }

  enter(event) {
    if (!event.target.closest("[data-draft-open]")) return;
    event.preventDefault();
    this.byButton = true;
    this.panel.open = true;
  }

  leave(event) {
    if (event.key !== "Escape" || !this.panel.open) return;
    this.panel.open = false;
    // Looked up again: the page renews its parts.
    const button = this.byButton ? document.querySelector("[data-draft-open]") : null;
    (button ?? this.panel.querySelector("summary")).focus({ preventScroll: true });
    this.byButton = false;
  }
}

for (const panel of document.querySelectorAll("[data-draft-chat]")) new DraftChat(panel);
