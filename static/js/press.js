// A press that begins on a button and ends on its replacement, or beside it, is no click: what changes the page on its
// own, whenever an answer comes, waits until no pointer is down.
let pressed = false;
const waiting = [];

/** Resolve once no press is under way, after the click that it ends in. */
export function released() {
  return pressed ? new Promise((resolve) => { waiting.push(resolve); }) : Promise.resolve();
}

function release() {
  pressed = false;
  for (const resolve of waiting.splice(0)) resolve();
}

addEventListener("pointerdown", ({ button }) => { pressed = button === 0; }, true);
// A menu of the browser takes the end of a press, and so does another window.
const ENDS = ["pointerup", "pointercancel", "dragend", "contextmenu"];
for (const kind of ENDS) addEventListener(kind, () => setTimeout(release), true);
addEventListener("blur", release);
