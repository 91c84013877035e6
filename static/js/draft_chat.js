// The chat with the draft beside the wizard's forms, on `details[data-draft-chat="URL"]`: opening it shows the chat of the
// page at that URL, and it stays open from tab to tab. What it says of the draft is renewed with the page's parts.
import { start } from "./chat.js";
import { h, on } from "./dom.js";

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
    document.addEventListener("parts:renewed", () => { if (this.chat) this.renew(); });
    document.addEventListener("click", (event) => this.enter(event));
    if (sessionStorage.getItem(this.kept)) panel.open = true;
    else this.wanted = true;
  }

  toggled() {
    if (!this.panel.open) return sessionStorage.removeItem(this.kept);
    sessionStorage.setItem(this.kept, "1");
    if (this.chat) this.focus();
    else this.load();
  }

  async read() {
    const response = await fetch(this.panel.dataset.draftChat, { headers: { Accept: "text/html", "X-Parts": "1" } });
    if (!response.ok || response.redirected) throw new Error(`The chat answered ${response.status}.`);
    return new DOMParser().parseFromString(await response.text(), "text/html").querySelector("[data-chat]");
  }

  async load() {
    try {
      const root = document.adoptNode(await this.read());
      this.body.replaceChildren(root);
      this.chat = start(root);
      for (const [record, seq] of this.early.splice(0)) this.chat.receive(record, seq);
      this.focus();
    } catch {
      const again = h("button", { type: "button", class: "button small" }, "Try again");
      again.addEventListener("click", () => this.load());
      this.body.replaceChildren(h("p", {}, "The chat could not be loaded."), again);
    }
  }

  async renew() {
    const fresh = await this.read().catch(() => null);
    const [state, now] = [this.body, fresh].map((each) => each?.querySelector("[data-draft-state]"));
    if (state && now && !state.isEqualNode(now)) state.replaceWith(document.adoptNode(now));
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
