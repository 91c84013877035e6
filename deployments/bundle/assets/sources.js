// The sources that an answer cites, as the agent checked them: what is not in its files is marked.
import { element, visible } from "./elements.js";

/** Return the list of sources for the agent's `citations`. */
export function sourcesOf(citations) {
  const rows = citations.map(({ file, place, found, quotes = [] }) => {
    const row = element("li", {}, visible(place ? `${file}, ${place}` : file));
    row.dataset.state = found ? "found" : "missing";
    if (!found) row.append(element("span", { className: "wrong", textContent: " (not in the agent’s files)" }));
    for (const { text, found: isThere, elsewhere } of quotes) {
      const where = elsewhere ? `, but in ${visible(elsewhere)}` : "";
      if (!isThere) row.append(element("p", { className: "wrong", textContent: `“${visible(text)}” is not there${where}.` }));
    }
    return row;
  });
  const title = element("span", { className: "who", textContent: "Sources" });
  return element("div", { className: "sources" }, title, element("ul", {}, ...rows));
}
