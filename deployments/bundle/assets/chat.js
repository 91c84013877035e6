// Talks to the agent's function. The conversation travels with each question, signed by the function; nothing is kept
// there. What is said is shown as text, never as HTML.
const KEPT = "agent-state";
const access = document.body.dataset.access;
const name = document.querySelector("h1").textContent;
const signIn = document.getElementById("sign-in");
const chat = document.getElementById("chat");
const ask = document.getElementById("ask");
const list = document.getElementById("messages");
const question = document.getElementById("question");
const greeting = list.firstElementChild.cloneNode(true);

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
  item.scrollIntoView({ block: "nearest" });
  return item;
}

function complain(form, text) {
  const place = form.querySelector(".error");
  place.textContent = text;
  place.hidden = !text;
}

async function post(path, body) {
  const answer = await fetch(path, {
    method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body), credentials: "same-origin",
  });
  const text = await answer.text();
  let given = {};
  try { given = text ? JSON.parse(text) : {}; } catch { given = { message: "The site answered with something unexpected." }; }
  return { ok: answer.ok, status: answer.status, ...given };
}

function locked(isLocked) {
  signIn.hidden = !isLocked;
  chat.hidden = isLocked;
  (isLocked ? signIn.querySelector("input") : question).focus();
}

async function sending(form, work) {
  const button = form.querySelector("button");
  button.disabled = true;
  complain(form, "");
  try {
    await work();
  } catch {
    complain(form, "The site could not be reached. What you typed is kept. Try again.");
  } finally {
    button.disabled = false;
  }
}

signIn.addEventListener("submit", (event) => {
  event.preventDefault();
  sending(signIn, async () => {
    const answer = await post("/api/session", Object.fromEntries(new FormData(signIn)));
    if (answer.ok) locked(false);
    else complain(signIn, answer.message ?? "That was not accepted.");
  });
});

ask.addEventListener("submit", (event) => {
  event.preventDefault();
  const message = question.value.trim();
  if (!message) return;
  sending(ask, async () => {
    const mine = show("user", message);
    const waiting = show("assistant", "…");
    waiting.dataset.state = "waiting";
    question.value = "";
    let answer;
    try {
      answer = await post("/api/ask", { message, state: sessionStorage.getItem(KEPT) ?? "" });
    } catch (error) {
      answer = { ok: false, message: "The site could not be reached. Try again." };
    }
    if (answer.ok) {
      sessionStorage.setItem(KEPT, answer.state);
      waiting.removeAttribute("data-state");
      waiting.querySelector("p").textContent = answer.text;
      return;
    }
    mine.remove();
    waiting.remove();
    question.value = message;
    if (answer.status === 401) locked(true);
    if (answer.status === 409) sessionStorage.removeItem(KEPT);
    complain(ask, answer.message ?? "The agent could not answer.");
  });
});

question.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    ask.requestSubmit();
  }
});

document.getElementById("anew").addEventListener("click", () => {
  sessionStorage.removeItem(KEPT);
  list.replaceChildren(greeting.cloneNode(true));
  complain(ask, "");
  question.focus();
});

sessionStorage.removeItem(KEPT);
if (access !== "public") {
  const answer = await fetch("/api/session", { credentials: "same-origin" }).catch(() => ({ ok: false }));
  locked(!answer.ok);
}
