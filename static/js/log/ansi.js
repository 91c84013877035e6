// Terminal colours as classes. builds/logs/ansi.py does the same for lines that the server renders.
const COLOUR = /\x1b\[([0-9;:]*)m/;
const SEQUENCE = /\x1b(?:\[[0-?]*[ -/]*[@-~]?|[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)?|[ -/]*[0-~]?)/;
const CONTROL = /[\x00-\x08\x0a-\x1f\x7f-\x9f]/;
const TOKEN = new RegExp([COLOUR, SEQUENCE, CONTROL].map((part) => part.source).join("|"), "g");
const ON = { 1: "bold", 2: "dim", 3: "italic", 4: "underline", 7: "inverse", 9: "strike" };
const OFF = { 22: ["bold", "dim"], 23: ["italic"], 24: ["underline"], 27: ["inverse"], 29: ["strike"] };

/** Split a line at its escape sequences into [text, classes] pairs; the sequences themselves are dropped. */
export function spans(text) {
  const pairs = [];
  const style = new Map();
  let start = 0;
  for (const token of text.matchAll(TOKEN)) {
    add(pairs, text.slice(start, token.index), style);
    start = token.index + token[0].length;
    if (token[1] !== undefined) apply(style, token[1].split(/[;:]/).map(Number));
  }
  add(pairs, text.slice(start), style);
  return pairs;
}

/** Return a line without escape sequences and control characters. */
export function plain(text) {
  return text.replace(TOKEN, "");
}

function add(pairs, text, style) {
  if (!text) return;
  const classes = [...style.values()].sort().map((name) => `sgr-${name}`).join(" ");
  const last = pairs[pairs.length - 1];
  if (last && last[1] === classes) last[0] += text;
  else pairs.push([text, classes]);
}

function apply(style, codes) {
  while (codes.length) {
    const code = codes.shift();
    if (code === 0) style.clear();
    else if (ON[code]) style.set(ON[code], ON[code]);
    else if (OFF[code]) OFF[code].forEach((name) => style.delete(name));
    else if (code === 39) style.delete("fg");
    else if (code === 49) style.delete("bg");
    else if (code === 38) setColour(style, "fg", extended(codes));
    else if (code === 48) setColour(style, "bg", extended(codes));
    else if (code >= 30 && code <= 37) setColour(style, "fg", code - 30);
    else if (code >= 40 && code <= 47) setColour(style, "bg", code - 40);
    else if (code >= 90 && code <= 97) setColour(style, "fg", code - 82);
    else if (code >= 100 && code <= 107) setColour(style, "bg", code - 92);
  }
}

function setColour(style, ground, colour) {
  if (colour !== null) style.set(ground, `${ground}-${colour}`);
}

/** Consume `5;n` or `2;r;g;b` and return the nearest of the 16 colours; null for anything else. */
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

function nearest(...channels) {
  const highest = Math.max(...channels);
  if (highest < 64) return 0;
  const colour = channels.reduce((sum, value, bit) => sum + (value > highest / 2 ? 1 << bit : 0), 0);
  return highest > 192 ? colour + 8 : colour;
}
