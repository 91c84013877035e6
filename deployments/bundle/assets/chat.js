// Talks to the agent behind this site. Answers are streamed; the conversation, signed by the agent, is sent with each
// question and stored nowhere else. Messages are shown as text, never as HTML.
import { post, turn, UNREACHED } from "./agent.js";
import { decision } from "./approval.js";
import { element } from "./elements.js";
import { Pictures } from "./pictures.js";
import { sourcesOf } from "./sources.js";

const KEPT = "agent-state";
const access = document.body.dataset.access;
const name = document.querySelector("h1").textContent;
const signIn = document.getElementById("sign-in");
const chat = document.getElementById("chat");
const ask = document.getElementById("ask");
const send = ask.querySelector("button");
const stop = document.getElementById("stop");
const anew = document.getElementById("anew");
const list = document.getElementById("messages");
const spoken = document.getElementById("spoken");
const question = document.getElementById("question");
const greeting = list.firstElementChild.cloneNode(true);

const pictures = new Pictures(ask, name, (text) => complain(ask, text), following);

/** The AbortController of the current answer; null while there is none. */
let running = null;

function show(role, text) {
  const who = element("span", { className: "who", textContent: role === "user" ? "You" : name });
  const item = element("li", { className: "message" }, who, element("p", { textContent: text }));
  item.dataset.role = role;
  list.append(item);
  return item;
}

function toEnd() {
  scrollTo({ top: document.documentElement.scrollHeight });
}

/** Change the conversation; scroll to its end only if the reader was there. */
function following(change) {
  const isAtEnd = innerHeight + scrollY > document.documentElement.scrollHeight - 80;
  change();
  if (isAtEnd) toEnd();
}

function complain(form, text) {
  const place = form.querySelector(".error");
  place.textContent = text;
  place.hidden = !text;
}

function locked(isLocked) {
  signIn.hidden = !isLocked;
  chat.hidden = isLocked;
  (isLocked ? signIn.querySelector("input") : question).focus();
}

signIn.addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = signIn.querySelector("button");
  button.disabled = true;
  complain(signIn, "");
  try {
    const entered = Object.fromEntries(new FormData(signIn));
    // The forge's hash is of composed characters; a service's own passwords are its own matter.
    if (document.body.dataset.access === "password") entered.password = entered.password.normalize("NFC");
    const answer = await post("/api/session", entered);
    if (answer.ok) locked(false);
    else complain(signIn, (await answer.json().catch(() => ({}))).message ?? "That was not accepted.");
  } catch {
    complain(signIn, UNREACHED);
  } finally {
    button.disabled = false;
  }
});

/** Ask, show the answer in `item` as it arrives, and return the event that ends it. */
async function answerTo(message, shown, item, signal) {
  const body = { ask: true, state: sessionStorage.getItem(KEPT) ?? "", ...pictures.bodyWith(shown) };
  const listen = (event) => following(() => hear(item, event));
  const offer = (box, words) => {
    following(() => item.append(box));
    spoken.textContent = words;
  };
  let end = await turn({ ...body, message }, listen, signal);
  while (end.type === "done" && end.finish === "approval") {
    const { state } = end;
    const answers = [];
    for (const call of end.approvals) answers.push(await decision(call, name, signal, offer));
    end = await turn({ ...body, state, answers }, listen, signal);
  }
  return end;
}

function hear(item, event) {
  const [who, said] = item.children;
  if (event.type === "tool_call") who.textContent = `${name} uses ${event.name}`;
  if (event.type !== "token") return;
  who.textContent = name;
  if (item.dataset.state === "waiting") said.textContent = "";
  item.dataset.state = "coming";
  said.append(event.text);
}

async function converse(message, shown) {
  const mine = show("user", message);
  if (shown.length) mine.append(element("div", { className: "pictures" }, ...shown.map((picture) => picture.shown())));
  const item = show("assistant", "…");
  item.dataset.state = "waiting";
  item.setAttribute("aria-busy", "true");
  toEnd();
  const { signal } = running;
  let end;
  try {
    end = await answerTo(message, shown, item, signal);
  } catch {
    end = { type: "error", message: signal.aborted ? "" : item.dataset.state === "waiting" ? UNREACHED : "The connection broke off. Try again." };
  }
  item.removeAttribute("aria-busy");
  following(() => (end.type === "done" ? keep(item, end, shown) : giveBack(mine, item, { message, shown }, end, signal.aborted)));
}

const NOTES = {
  length: "The answer was cut off at its length limit.",
  other: "The answer may be incomplete.",
};

function keep(item, { text, state, finish, citations }, shown) {
  pictures.keep(shown);
  const [who, said] = item.children;
  sessionStorage.setItem(KEPT, state);
  who.textContent = name;
  said.textContent = text;
  delete item.dataset.state;
  if (citations.length) item.append(sourcesOf(citations));
  if (NOTES[finish]) item.append(element("p", { className: "note", textContent: NOTES[finish] }));
  spoken.textContent = `${name}: ${text}`;
}

/** Keep what arrived on the page, and put the question back into the field: the agent remembers neither. */
function giveBack(mine, item, { message, shown }, end, isStopped) {
  const hasCome = item.dataset.state === "coming";
  if (hasCome) {
    const words = `${isStopped ? "Stopped" : "Broken off"}. ${name} does not remember this exchange.`;
    item.dataset.state = "broken";
    item.firstElementChild.textContent = name;
    item.append(element("p", { className: "note", textContent: words }));
  } else {
    mine.remove();
    item.remove();
  }
  spoken.textContent = isStopped ? "Stopped." : "";
  pictures.show([...shown, ...pictures.chosen]);
  question.value = question.value.trim() ? [message, question.value].filter(Boolean).join("\n") : message;
  if (end.status === 401) locked(true);
  if (end.status === 409) sessionStorage.removeItem(KEPT);
  if (!isStopped) complain(ask, end.message || "The agent could not answer.");
}

/** Show the stop button during an answer; keep the focus on an enabled control. */
function offerStop(isOffered) {
  const from = isOffered ? send : stop;
  const hadFocus = document.activeElement === from;
  send.disabled = isOffered;
  stop.hidden = !isOffered;
  anew.hidden = isOffered;
  if (hadFocus) (isOffered ? stop : question).focus();
}

ask.addEventListener("submit", async (event) => {
  event.preventDefault();
  const message = question.value.trim();
  if ((!message && !pictures.chosen.length) || running) return;
  running = new AbortController();
  complain(ask, "");
  question.value = "";
  spoken.textContent = `${name} is answering.`;
  offerStop(true);
  try {
    await converse(message, await pictures.take());
  } finally {
    running = null;
    offerStop(false);
  }
});

stop.addEventListener("click", () => running?.abort());

question.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  ask.requestSubmit();
});

anew.addEventListener("click", () => {
  sessionStorage.removeItem(KEPT);
  pictures.forget();
  list.replaceChildren(greeting.cloneNode(true));
  complain(ask, "");
  spoken.textContent = "";
  question.focus();
});

sessionStorage.removeItem(KEPT);
if (access !== "public") {
  const answer = await fetch("/api/session", { credentials: "same-origin" }).catch(() => ({ ok: false }));
  locked(!answer.ok);
}
