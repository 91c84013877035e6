// Calls of tools that wait for the visitor.
import { element, visible } from "./elements.js";

/** Ask about one call; no answer in time is no. `show` changes the page. */
export function decision(call, name, signal, show) {
  const about = `May ${name} run ${visible(call.tool)}? ${visible(call.reason ?? "")}`;
  const what = visible(JSON.stringify(call.arguments, null, 2));
  const box = element("div", { className: "approval" }, element("p", { textContent: about }), element("pre", { textContent: what }));
  return new Promise((resolve, reject) => {
    const end = (answer) => { clearTimeout(timer); box.remove(); resolve({ id: call.id, answer }); };
    const left = Math.max(0, Date.parse(call.expires) - Date.now()) || 0;
    const timer = setTimeout(() => end("deny"), left);
    signal.addEventListener("abort", () => { clearTimeout(timer); box.remove(); reject(signal.reason); }, { once: true });
    const choices = [["deny", "No"], ["once", "Once"], ["conversation", `In this conversation (${visible(call.covers ?? "")})`]];
    for (const [answer, words] of choices) {
      const button = element("button", { type: "button", textContent: words });
      button.addEventListener("click", () => end(answer));
      box.append(button);
    }
    show(box, about);
  });
}
