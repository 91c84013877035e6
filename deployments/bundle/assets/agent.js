// Requests to the agent behind this site, and the events of its answers.

export const UNREACHED = "The site could not be reached. What you typed is kept. Try again.";
const UNEXPECTED = "The site answered with something unexpected. Try again.";

export function post(path, body, more = {}) {
  const headers = { "Content-Type": "application/json", Accept: "text/event-stream, application/json" };
  return fetch(path, { method: "POST", headers, body: JSON.stringify(body), credentials: "same-origin", ...more });
}

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

/** Send one request, and return the event that ends its answer, with its sources and the calls that wait. */
export async function turn(body, hear, signal) {
  const answer = await post("/api/ask", body, { signal });
  const approvals = [];
  let citations = [];
  if (!answer.headers.get("Content-Type")?.startsWith("text/event-stream")) {
    const given = await answer.json().catch(() => ({ message: UNEXPECTED }));
    return { approvals, citations, ...given, type: answer.ok && given.state ? "done" : "error", status: answer.status };
  }
  for await (const event of eventsOf(answer)) {
    if (event.type === "done" || event.type === "error") return { ...event, approvals, citations };
    if (event.type === "approval") approvals.push(event);
    if (event.type === "citations") ({ citations } = event);
    hear(event);
  }
  return { type: "error", message: "The answer broke off. Try again." };
}
