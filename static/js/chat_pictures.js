// Images of a question: what is pasted or dropped into a chat's form joins what its file field holds.

const fieldOf = (form) => form.querySelector("input[type=file]");

function add(field, files) {
  const images = [...files].filter(({ type }) => type.startsWith("image/"));
  if (!images.length) return false;
  const all = new DataTransfer();
  for (const file of [...field.files, ...images]) all.items.add(file);
  field.files = all.files;
  field.dispatchEvent(new Event("change", { bubbles: true }));
  return true;
}

/** Take images that are pasted or dropped, if the form has a field for them. */
export function takePictures(form) {
  const field = fieldOf(form);
  if (!field) return;
  form.addEventListener("paste", (event) => {
    if (add(field, event.clipboardData?.files ?? [])) event.preventDefault();
  });
  form.addEventListener("dragover", (event) => {
    if (event.dataTransfer?.types.includes("Files")) event.preventDefault();
  });
  form.addEventListener("drop", (event) => {
    if (!event.dataTransfer?.files.length) return;
    event.preventDefault();
    add(field, event.dataTransfer.files);
  });
}

/** Empty the field, once its images were sent. */
export function forgetPictures(form) {
  const field = fieldOf(form);
  if (field) field.value = "";
}
