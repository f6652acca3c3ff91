// Pictures of one's own: chosen, dropped anywhere on the page, or pasted into the field.
import { request } from "./http.js";
import { enableRegion } from "./region.js";

/** Returns what lets the reader put a part of such a picture in its place. */
export function listenToPictures(composer, { root, dialog, onPictures, onPart, onRefused }) {
  const files = new Map(); // by upload, as long as the page stands
  const form = dialog.querySelector(".part-form");
  const chooser = composer.querySelector("[type=file]");
  let isOurs = false; // a drag that began on this page carries a picture that is here already

  enableRegion(form);

  async function take(event, { files: taken }) {
    event.preventDefault();
    if (!taken.length) return;
    composer.classList.add("is-reading");
    try {
      onPictures(await Promise.all([...taken].map((file) => send(file))));
    } catch (error) {
      onRefused(error);
    }
    composer.classList.remove("is-reading");
  }

  async function send(file, body = new FormData()) {
    body.append("image", file, "picture"); // the file's own name stays here
    const { upload } = await request("POST", "query-images", body);
    files.set(upload, file);
    return { upload };
  }

  const drags = (event) => !isOurs && event.dataTransfer.types.includes("Files");
  const showDrop = (isOn) => root.classList.toggle("is-dropping", isOn);
  chooser.onchange = async (event) => {
    await take(event, chooser);
    chooser.value = "";
  };
  composer.onpaste = (event) => {
    const { clipboardData } = event;
    if (clipboardData.files.length && !clipboardData.getData("text/plain")) take(event, clipboardData);
  };
  window.ondragstart = () => (isOurs = true);
  window.ondragend = () => (isOurs = false);
  window.ondragover = (event) => {
    if (!drags(event)) return;
    event.preventDefault();
    showDrop(true);
  };
  window.ondragleave = (event) => event.relatedTarget || showDrop(false);
  window.ondrop = (event) => {
    showDrop(false);
    if (drags(event)) take(event, event.dataTransfer);
  };
  return ({ id, upload, weight }) => {
    const file = files.get(upload);
    if (!file) return;
    dialog.querySelector("img").src = URL.createObjectURL(file);
    dialog.showModal();
    form.onsubmit = (event) => {
      event.preventDefault();
      dialog.close();
      send(file, new FormData(form)).then((picture) => onPart(id, { ...picture, weight }), onRefused);
    };
  };
}
