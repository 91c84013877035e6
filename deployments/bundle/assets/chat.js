// Talks to the agent behind this site. Answers are streamed; the conversation, signed by the agent, is sent with each
// question and stored nowhere else. Messages are shown as text, never as HTML.
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
const UNREACHED = "The site could not be reached. What you typed is kept. Try again.";
const UNEXPECTED = "The site answered with something unexpected. Try again.";

/** The AbortController of the current answer; null while there is none. */
let running = null;

function show(role, text) {
  const item = document.createElement("li");
  const who = document.createElement("span");
  const said = document.createElement("p");
  item.className = "message";
  item.dataset.role = role;
  who.className = "who";
  who.textContent = role === "user" ? "You" : name;
  said.textContent = text;
  item.append(who, said);
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

function post(path, body, more = {}) {
  const headers = { "Content-Type": "application/json", Accept: "text/event-stream, application/json" };
  return fetch(path, { method: "POST", headers, body: JSON.stringify(body), credentials: "same-origin", ...more });
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

/** Yield each of the agent's events as soon as it is complete, wherever the stream is split. */
async function* eventsOf(answer) {
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const blocks = (rest + value).split("\n\n");
    rest = blocks.pop();
    for (const block of blocks) {
      const lines = block.split("\n").filter((line) => line.startsWith("data:"));
      if (lines.length) yield JSON.parse(lines.map((line) => line.slice(5)).join("\n"));
    }
  }
}

/** Ask, show the answer in `item` as it arrives, and return the event that ends it. */
async function answerTo(message, item, signal) {
  const body = { ask: true, state: sessionStorage.getItem(KEPT) ?? "" };
  let end = await turn({ ...body, message }, item, signal);
  while (end.type === "done" && end.finish === "approval") {
    const { state } = end;
    const answers = [];
    for (const call of end.approvals) answers.push(await decision(item, call, signal));
    end = await turn({ ...body, state, answers }, item, signal);
  }
  return end;
}

/** Send one request, and return the event that ends its answer, with the calls that wait for the visitor. */
async function turn(body, item, signal) {
  const answer = await post("/api/ask", body, { signal });
  const approvals = [];
  if (!answer.headers.get("Content-Type")?.startsWith("text/event-stream")) {
    const given = await answer.json().catch(() => ({ message: UNEXPECTED }));
    return { ...given, type: answer.ok && given.state ? "done" : "error", status: answer.status };
  }
  for await (const event of eventsOf(answer)) {
    if (event.type === "done" || event.type === "error") return { ...event, approvals };
    if (event.type === "approval") approvals.push(event);
    following(() => hear(item, event));
  }
  return { type: "error", message: "The answer broke off. Try again." };
}

/** Characters that can't be seen are shown as their codes: visitors approve what they see. */
function visible(text) {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\u{E0100}-\u{E01EF}]/gu, (one) => (one === "\n" ? one : `<U+${one.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}>`));
}

/** Ask the visitor about a call of a tool; no answer in time is no. */
function decision(item, call, signal) {
  const box = document.createElement("div");
  const about = document.createElement("p");
  const what = document.createElement("pre");
  box.className = "approval";
  about.textContent = `May ${name} run ${visible(call.tool)}? ${visible(call.reason ?? "")}`;
  what.textContent = visible(JSON.stringify(call.arguments, null, 2));
  box.append(about, what);
  return new Promise((resolve, reject) => {
    const end = (answer) => { clearTimeout(timer); box.remove(); resolve({ id: call.id, answer }); };
    const left = Math.max(0, Date.parse(call.expires) - Date.now()) || 0;
    const timer = setTimeout(() => end("deny"), left);
    signal.addEventListener("abort", () => { clearTimeout(timer); box.remove(); reject(signal.reason); }, { once: true });
    const choices = [["deny", "No"], ["once", "Once"], ["conversation", `In this conversation (${visible(call.covers ?? "")})`]];
    for (const [answer, words] of choices) {
      const button = Object.assign(document.createElement("button"), { type: "button", textContent: words });
      button.addEventListener("click", () => end(answer));
      box.append(button);
    }
    following(() => item.append(box));
    spoken.textContent = about.textContent;
  });
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

async function converse(message) {
  const mine = show("user", message);
  const item = show("assistant", "…");
  item.dataset.state = "waiting";
  item.setAttribute("aria-busy", "true");
  toEnd();
  running = new AbortController();
  const { signal } = running;
  let end;
  try {
    end = await answerTo(message, item, signal);
  } catch {
    end = { type: "error", message: signal.aborted ? "" : item.dataset.state === "waiting" ? UNREACHED : "The connection broke off. Try again." };
  }
  item.removeAttribute("aria-busy");
  following(() => (end.type === "done" ? keep(item, end) : giveBack(mine, item, message, end, signal.aborted)));
}

const NOTES = {
  length: "The answer was cut off at its length limit.",
  other: "The answer may be incomplete.",
};

function keep(item, { text, state, finish }) {
  const [who, said] = item.children;
  sessionStorage.setItem(KEPT, state);
  who.textContent = name;
  said.textContent = text;
  delete item.dataset.state;
  if (NOTES[finish]) item.append(Object.assign(document.createElement("p"), { className: "note", textContent: NOTES[finish] }));
  spoken.textContent = `${name}: ${text}`;
}

/** Keep what arrived on the page, and put the question back into the field: the agent remembers neither. */
function giveBack(mine, item, message, end, isStopped) {
  const hasCome = item.dataset.state === "coming";
  if (hasCome) {
    const note = document.createElement("p");
    note.className = "note";
    note.textContent = `${isStopped ? "Stopped" : "Broken off"}. ${name} does not remember this exchange.`;
    item.dataset.state = "broken";
    item.firstElementChild.textContent = name;
    item.append(note);
  } else {
    mine.remove();
    item.remove();
  }
  spoken.textContent = isStopped ? "Stopped." : "";
  question.value = question.value.trim() ? `${message}\n${question.value}` : message;
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
  if (!message || running) return;
  complain(ask, "");
  question.value = "";
  spoken.textContent = `${name} is answering.`;
  offerStop(true);
  try {
    await converse(message);
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
