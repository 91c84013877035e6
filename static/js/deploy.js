// The progress of an upload, on `data-upload` with a deployment's channel: bytes, speed and time left by
// `live:progress`, a countdown by `live:wait` while the host limits requests. The other data attributes hold the
// state at page load.
import { on } from "./dom.js";
import { duration, size } from "./formats.js";

for (const root of document.querySelectorAll("[data-upload]")) {
  const bar = root.querySelector("[data-upload-bar]");
  const words = root.querySelector("[data-upload-words]");
  const wait = root.querySelector("[data-upload-wait]");
  let timer = null;

  const stopWaiting = () => {
    clearInterval(timer);
    wait.hidden = true;
  };
  const showProgress = ({ sent, total, files, of, rate, left }) => {
    stopWaiting();
    bar.value = total ? (100 * sent) / total : 100;
    bar.hidden = words.hidden = false;
    const remaining = left ? `, about ${duration(left * 1000)} left` : "";
    words.textContent = `${files} of ${of} files, ${size(sent)} of ${size(total)}, ${size(rate)}/s${remaining}`;
  };
  const showWait = ({ words: text, until }) => {
    const show = () => {
      const left = Math.ceil(until - Date.now() / 1000);
      if (left <= 0) return stopWaiting();
      wait.hidden = false;
      wait.firstElementChild.textContent = `${text} (${left} s)`;
    };
    clearInterval(timer);
    timer = setInterval(show, 250);
    show();
  };

  const { sent, total, files, of, rate, left, said, until } = root.dataset;
  if (sent !== undefined) {
    const [sentBytes, totalBytes, bytesPerSecond, secondsLeft] = [sent, total, rate, left ?? 0].map(Number);
    showProgress({ sent: sentBytes, total: totalBytes, files, of, rate: bytesPerSecond, left: secondsLeft });
  }
  if (until !== undefined) showWait({ words: said, until: Number(until) });
  on("progress", root.dataset.upload, showProgress);
  on("wait", root.dataset.upload, showWait);
  on("step", root.dataset.upload, ({ name, state }) => {
    stopWaiting();
    if (name === "Upload" && state === "done") bar.value = 100; // even when the host already had every byte
  });
  on("end", root.dataset.upload, () => { root.hidden = true; stopWaiting(); });
}
