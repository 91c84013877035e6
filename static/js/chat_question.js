// The question that is being written in a chat, and the one that goes along to the chat with a new build.

/** Put words into the field of the next question. */
export function write(field, text) {
  field.value = text;
  field.dispatchEvent(new Event("input", { bubbles: true }));
}

/** Keep what is being written from page to page of a browser tab, as the drafts of forms are; `path` is the chat's. */
export function keepQuestion(field, path) {
  const key = `unsent:${path}`;
  field.value ||= sessionStorage.getItem(key) ?? "";
  field.addEventListener("input", () => {
    if (field.value) sessionStorage.setItem(key, field.value);
    else sessionStorage.removeItem(key);
  });
}

function keyOf(agent) {
  return `question:${agent}`;
}

/** Take what is written in a chat of this page along to the chat with an agent's next build. */
export function takeAlong(agent) {
  const field = document.querySelector("[data-chat-form] textarea");
  const question = field?.value.trim();
  if (!question) return;
  sessionStorage.setItem(keyOf(agent), question);
  write(field, "");
}

/** Ask a build that was compiled to be asked what was taken along. */
export function askAtOnce(form, field) {
  if (location.hash !== "#ask") return;
  const key = keyOf(location.pathname.split("/")[2]);
  const question = sessionStorage.getItem(key);
  sessionStorage.removeItem(key);
  history.replaceState(history.state, "", location.pathname + location.search);
  field.focus();
  if (!question) return;
  write(field, question);
  form.requestSubmit();
}
