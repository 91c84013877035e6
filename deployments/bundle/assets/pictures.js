// Pictures of questions: chosen, pasted or dropped. The page keeps them for the conversation, because the agent stores
// nothing, and sends them again with later questions. They are drawn on a canvas: no address of theirs is needed.
import { element } from "./elements.js";

const MOST = 8;
const MOST_SENT = 16;
const KINDS = ["image/png", "image/jpeg", "image/gif", "image/webp"];
// Larger files are made smaller; models see no more of them. Eight of these, in base64, fit into a request.
const MOST_BYTES = 375_000;
const MOST_CHARACTERS = 4_000_000;
const SIDES = [2048, 1568, 1120, 800, 560];

/** Draw a picture with its longer side at most `side` long; white shows through where it is transparent. */
function drawn(bitmap, side) {
  const scale = Math.min(1, side / Math.max(bitmap.width, bitmap.height));
  const [width, height] = [bitmap.width, bitmap.height].map((length) => Math.max(1, Math.round(length * scale)));
  const canvas = element("canvas", { width, height });
  const context = canvas.getContext("2d");
  context.fillStyle = "white";
  context.fillRect(0, 0, width, height);
  context.drawImage(bitmap, 0, 0, width, height);
  return canvas;
}

async function smaller(bitmap) {
  let blob;
  for (const side of SIDES) {
    blob = await new Promise((resolve) => { drawn(bitmap, side).toBlob(resolve, "image/jpeg", 0.85); });
    if (blob.size <= MOST_BYTES) break;
  }
  return blob;
}

function base64Of(blob) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.addEventListener("load", () => resolve(reader.result.slice(reader.result.indexOf(",") + 1)));
    reader.addEventListener("error", () => reject(reader.error));
    reader.readAsDataURL(blob);
  });
}

/** Return what is sent of a file and how it is shown; fails for a file that is no picture. */
async function read(file) {
  if (!KINDS.includes(file.type)) throw new TypeError("not a picture");
  const bitmap = await createImageBitmap(file);
  const data = await base64Of(file.size > MOST_BYTES ? await smaller(bitmap) : file);
  const name = file.name || "picture";
  const preview = drawn(bitmap, 240);
  bitmap.close();
  return { data, name, shown: () => Object.assign(drawn(preview, 240), { role: "img", ariaLabel: name }) };
}

export class Pictures {
  /**
   * Take the pictures of a form. `complain` shows what is wrong, `following` changes the page and keeps its end in view.
   * Without a file field, the agent takes none.
   */
  constructor(form, name, complain, following) {
    Object.assign(this, { form, name, complain, following, chosen: [], sent: [], reading: Promise.resolve() });
    this.field = form.querySelector("input[type=file]");
    this.list = form.querySelector(".chosen");
    this.field?.addEventListener("change", () => {
      this.add([...this.field.files]);
      this.field.value = "";
    });
    form.addEventListener("paste", (event) => this.receive(event, event.clipboardData));
    form.addEventListener("dragover", (event) => {
      if (event.dataTransfer.types.includes("Files")) event.preventDefault();
    });
    form.addEventListener("drop", (event) => this.receive(event, event.dataTransfer));
  }

  receive(event, given) {
    const files = [...(given?.files ?? [])];
    if (!files.length) return;
    event.preventDefault();
    this.add(files);
  }

  /** Read files, one after the other; `reading` ends when all are there. */
  add(files) {
    this.complain("");
    if (!this.field) return this.complain(`${this.name} takes no pictures.`);
    for (const file of files) this.reading = this.reading.then(() => this.addOne(file));
  }

  async addOne(file) {
    if (this.chosen.length === MOST) return this.complain(`A question has at most ${MOST} pictures.`);
    const picture = await read(file).catch(() => null);
    if (picture) this.show([...this.chosen, picture]);
    else this.complain(`${file.name || "This"} is not a picture that ${this.name} takes: PNG, JPEG, GIF or WebP.`);
  }

  /** Show the pictures of the next question, which then needs no words. */
  show(chosen) {
    this.chosen = chosen.slice(0, MOST);
    if (!this.list) return;
    this.following(() => this.list.replaceChildren(...this.chosen.map((picture) => this.itemOf(picture))));
    this.form.querySelector("textarea").required = !this.chosen.length;
  }

  itemOf(picture) {
    const words = `Remove ${picture.name}`;
    const button = element("button", { type: "button", className: "quiet", textContent: "Remove", ariaLabel: words });
    button.addEventListener("click", () => {
      this.show(this.chosen.filter((each) => each !== picture));
      this.field.focus();
    });
    return element("li", {}, picture.shown(), button);
  }

  /** Take the pictures of the question that is sent now, once they are read. */
  async take() {
    await this.reading;
    const taken = this.chosen;
    this.show([]);
    return taken;
  }

  /** Return what goes with a question: its own pictures, and the newest of earlier ones that fit. */
  bodyWith(pictures) {
    if (!this.field) return {};
    let [room, count] = [MOST_CHARACTERS, MOST_SENT];
    for (const { data } of pictures) [room, count] = [room - data.length, count - 1];
    const earlier = [];
    for (const { data } of this.sent.toReversed()) {
      [room, count] = [room - data.length, count - 1];
      if (room < 0 || count < 0) break;
      earlier.push({ data });
    }
    return { images: pictures.map(({ data }) => ({ data })), earlier };
  }

  /** Keep the pictures of a question that was answered. */
  keep(pictures) {
    this.sent.push(...pictures);
  }

  /** Begin a new conversation. */
  forget() {
    this.sent = [];
    this.show([]);
  }
}
