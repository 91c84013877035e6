// Helpers that several modules share. Text is inserted as text, never as HTML.

/** Build an element: `h("p", {class: "hint"}, "text", child)`. */
export function h(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === false || value === null || value === undefined) continue;
    element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

export function icon(name) {
  return h("span", { class: `icon icon-${name}`, "aria-hidden": "true" });
}

/** Build a small quiet button, for toolbars. */
export function button(label, attributes = {}, ...before) {
  return h("button", { type: "button", class: "button quiet small", ...attributes }, ...before, label);
}

let region = null;

/** Announce a text to screen readers without moving the focus. */
export function announce(text) {
  region ??= document.body.appendChild(h("div", { class: "visually-hidden", "aria-live": "polite" }));
  region.textContent = text;
}

/** Show a message for a few seconds; `level` is success, info, warning or error. */
export function toast(text, level = "info") {
  let tray = document.querySelector(".toasts");
  tray ??= document.body.appendChild(h("div", { class: "toasts", role: "status" }));
  const message = h("p", { class: "message", "data-level": level }, h("span", {}, text));
  tray.append(message);
  setTimeout(() => message.remove(), 6000);
}

/** Listen for records of a kind on a channel ("" for any): `on("line", "build-4", (record, seq) => …)`. */
export function on(kind, channel, handle) {
  document.addEventListener(`live:${kind}`, ({ detail }) => {
    if (!channel || detail.channel === channel) handle(detail.record, detail.seq, detail.channel);
  });
}

/** Copy a text to the clipboard, also on pages served without https. */
export async function copyText(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const area = document.body.appendChild(h("textarea", { class: "visually-hidden" }));
  area.value = text;
  area.select();
  document.execCommand("copy");
  area.remove();
}
