// An upload's progress, on `data-upload` naming a deployment's channel: bytes, speed and what is left by `live:progress`,
// and a countdown while the host asks for patience by `live:wait`. What the server knew is in its other data attributes.
import { duration, on } from "./dom.js";

const MB = 1e6;
const size = (bytes) => bytes < MB ? `${Math.ceil(bytes / 1000)} KB` : `${(bytes / MB).toFixed(1)} MB`;

for (const root of document.querySelectorAll("[data-upload]")) {
  const bar = root.querySelector("[data-upload-bar]");
  const words = root.querySelector("[data-upload-words]");
  const wait = root.querySelector("[data-upload-wait]");
  let clock = null;

  const quiet = () => {
    clearInterval(clock);
    wait.hidden = true;
  };
  const progress = ({ sent, total, files, of, rate, left }) => {
    quiet();
    bar.value = total ? (100 * sent) / total : 100;
    words.hidden = false;
    const ahead = left ? `, about ${duration(left * 1000)} left` : "";
    words.textContent = `${files} of ${of} files, ${size(sent)} of ${size(total)}, ${size(rate)}/s${ahead}`;
  };
  const patience = ({ words: said, until }) => {
    const show = () => {
      const left = Math.ceil(until - Date.now() / 1000);
      if (left <= 0) return quiet();
      wait.hidden = false;
      wait.firstElementChild.textContent = `${said} (${left} s)`;
    };
    clearInterval(clock);
    clock = setInterval(show, 250);
    show();
  };

  const { sent, total, files, of, rate, left, said, until } = root.dataset;
  if (sent !== undefined) progress({ sent: Number(sent), total: Number(total), files, of, rate: Number(rate), left: Number(left ?? 0) });
  if (until !== undefined) patience({ words: said, until: Number(until) });
  on("progress", root.dataset.upload, progress);
  on("wait", root.dataset.upload, patience);
  on("step", root.dataset.upload, ({ name, state }) => {
    quiet();
    if (name === "Upload" && state === "done") bar.value = 100; // also when the host had every byte already
  });
  on("end", root.dataset.upload, () => { root.hidden = true; quiet(); });
}
