// Pictures of one's own: chosen, dropped anywhere on the page, or pasted into the field.
import { request } from "./http.js";

export function listenToPictures(composer, { root, onPictures, onRefused }) {
  const chooser = composer.querySelector("[type=file]");
  let isOurs = false; // a drag that began on this page carries a picture that is here already

  async function take(event, { files }) {
    event.preventDefault();
    if (!files.length) return;
    composer.classList.add("is-reading");
    try {
      onPictures(await Promise.all([...files].map(send)));
    } catch (error) {
      onRefused(error);
    }
    composer.classList.remove("is-reading");
  }

  async function send(file) {
    const form = new FormData();
    form.append("image", file, "picture"); // the file's own name stays here
    const { upload } = await request("POST", "query-images", form);
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
}
