// What is kept: conversations, saved searches, the page's address.
import { byId, fromTemplate } from "./dom.js";
import { request } from "./http.js";
import { say } from "./words.js";

/** After the first answer the address and the history name the conversation. */
export function rememberConversation(root, { conversation, title }) {
  const path = root.dataset.conversationPath.replace(/0(?=\/?$)/, conversation);
  if (location.pathname === path) return;
  history.replaceState(history.state, "", path);
  document.title = `${title} · ${document.title.split(" · ").at(-1)}`;
  const item = fromTemplate("conversation");
  Object.assign(item.firstElementChild, { href: path, textContent: title });
  const list = byId("conversations");
  list.querySelector(".menu-empty")?.remove();
  list.prepend(item);
}

/** Buttons that delete what their row names in `data-kept`, after a question. */
export function listenToDeleting(list, onDeleted) {
  list.onclick = async (event) => {
    const item = event.target.closest('[data-action="delete"]')?.closest("[data-kept]");
    if (!item || !confirm(say("forget", item.querySelector("span").textContent))) return;
    await request("DELETE", item.dataset.kept);
    item.remove();
    onDeleted(item);
  };
}

export function listenToSaving(stateNow) {
  const menu = byId("save");
  const { name } = menu.querySelector("form").elements;
  menu.ontoggle = () => {
    const { saved, title, utterance } = stateNow();
    name.value = saved?.name || title || utterance;
    if (menu.open) name.select();
  };
  menu.onsubmit = async (event) => {
    event.preventDefault();
    const body = { name: name.value, turn: stateNow().turn };
    const save = (replace) => request("POST", "saved-searches", { ...body, replace });
    const ask = ({ status, message }) => status === 409 && confirm(message) && save(true);
    if (!(await save().catch(ask))) return;
    menu.open = false;
    menu.querySelector("summary span").textContent = say("saved");
    byId("announcer").textContent = say("saved");
  };
}
