// Elements of the page. Texts are shown as text, never as HTML.

/** Make an element with properties and children. */
export function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

/** Show characters that can't be seen as their codes: people judge by what they see. */
export function visible(text) {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\u{E0100}-\u{E01EF}]/gu, (one) => (one === "\n" ? one : `<U+${one.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}>`));
}
