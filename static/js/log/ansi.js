// A terminal's colours as classes, as builds/logs/ansi.py does for lines that the server renders.
const TOKEN = /\x1b\[([0-9;:]*)m|\x1b(?:\[[0-?]*[ -/]*[@-~]?|[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)?|[ -/]*[0-~]?)|[\x00-\x08\x0a-\x1f\x7f-\x9f]/g;
const ON = { 1: "bold", 2: "dim", 3: "italic", 4: "underline", 7: "inverse", 9: "strike" };
const OFF = { 22: ["bold", "dim"], 23: ["italic"], 24: ["underline"], 27: ["inverse"], 29: ["strike"] };

/** Return the pieces of a line, [text, classes] each, without any escape. */
export function spans(text) {
  const found = [];
  const style = new Map();
  let start = 0;
  for (const token of text.matchAll(TOKEN)) {
    add(found, text.slice(start, token.index), style);
    start = token.index + token[0].length;
    if (token[1] !== undefined) apply(style, token[1].split(/[;:]/).map(Number));
  }
  add(found, text.slice(start), style);
  return found;
}

/** Return a line without escapes and control characters. */
export function plain(text) {
  return text.replace(TOKEN, "");
}

function add(found, text, style) {
  if (!text) return;
  const classes = [...style.values()].sort().map((name) => `sgr-${name}`).join(" ");
  const last = found[found.length - 1];
  if (last && last[1] === classes) last[0] += text;
  else found.push([text, classes]);
}

function apply(style, codes) {
  while (codes.length) {
    const code = codes.shift();
    if (code === 0) style.clear();
    else if (ON[code]) style.set(ON[code], ON[code]);
    else if (OFF[code]) OFF[code].forEach((name) => style.delete(name));
    else if (code === 39 || code === 49) style.delete(code === 39 ? "fg" : "bg");
    else if (code === 38 || code === 48) paint(style, code === 38 ? "fg" : "bg", extended(codes));
    else if ((code >= 30 && code <= 37) || (code >= 90 && code <= 97)) paint(style, "fg", code < 90 ? code - 30 : code - 82);
    else if ((code >= 40 && code <= 47) || (code >= 100 && code <= 107)) paint(style, "bg", code < 100 ? code - 40 : code - 92);
  }
}

function paint(style, ground, colour) {
  if (colour !== null) style.set(ground, `${ground}-${colour}`);
}

/** Take `5;n` or `2;r;g;b` off the codes and return the nearest of 16 colours. */
function extended(codes) {
  const kind = codes.shift();
  if (kind === 5 && codes.length) {
    const number = codes.shift();
    if (number < 16) return number;
    if (number >= 232) return nearest(...Array(3).fill(8 + 10 * (number - 232)));
    const cube = number - 16;
    return nearest(51 * (Math.floor(cube / 36) % 6), 51 * (Math.floor(cube / 6) % 6), 51 * (cube % 6));
  }
  if (kind === 2 && codes.length >= 3) return nearest(codes.shift(), codes.shift(), codes.shift());
  return null;
}

function nearest(...parts) {
  const most = Math.max(...parts);
  if (most < 64) return 0;
  const colour = parts.reduce((sum, part, bit) => sum + (part > most / 2 ? 1 << bit : 0), 0);
  return most > 192 ? colour + 8 : colour;
}
