// A page about one stream (`data-refresh` names its channel) learns from the server what it says once that has ended:
// each `data-part` is replaced by the new page's part of the same name. The rest, the log above all, stays as it is.
import { announce, on } from "./dom.js";

async function renew() {
  const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
  if (!answer.ok) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const part of document.querySelectorAll("[data-part]")) {
    const fresh = page.querySelector(`[data-part="${CSS.escape(part.dataset.part)}"]`);
    if (fresh) part.replaceWith(document.adoptNode(fresh));
  }
  announce(document.querySelector(".summary")?.textContent.replace(/\s+/g, " ").trim() ?? "");
  document.dispatchEvent(new CustomEvent("parts:renewed"));
}

for (const element of document.querySelectorAll("[data-refresh]")) {
  on("status", element.dataset.refresh, ({ status }) => { if (status === "running") renew().catch(() => {}); });
  // When the page can't be had now, the plain way says so.
  on("end", element.dataset.refresh, () => renew().catch(() => location.reload()));
}
