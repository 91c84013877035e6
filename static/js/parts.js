// A page about one stream (`data-refresh` names its channel) is fetched again when the stream starts and ends: each
// `data-part` is replaced by the part of the same name. The rest, above all the log, stays as it is.
import { announce, on } from "./dom.js";

async function renew() {
  const response = await fetch(location.href, { headers: { Accept: "text/html" } });
  if (!response.ok) return;
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  for (const part of document.querySelectorAll("[data-part]")) {
    const fresh = page.querySelector(`[data-part="${CSS.escape(part.dataset.part)}"]`);
    if (fresh) part.replaceWith(document.adoptNode(fresh));
  }
  announce(document.querySelector(".summary")?.textContent.replace(/\s+/g, " ").trim() ?? "");
  document.dispatchEvent(new CustomEvent("parts:renewed"));
}

for (const element of document.querySelectorAll("[data-refresh]")) {
  on("status", element.dataset.refresh, ({ status }) => { if (status === "running") renew().catch(() => {}); });
  // When the fetch fails, a reload shows the browser's own error.
  on("end", element.dataset.refresh, () => renew().catch(() => location.reload()));
}
