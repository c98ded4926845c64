// The API key: kept in this tab's session storage, asked for when the service says 401.

import { byId } from "./dom.js";

const NAME = "vidqa-key";
let asking = null;
const listeners = [];

export const keyOf = () => sessionStorage.getItem(NAME);
export const onKey = (call) => listeners.push(call);

/** Asks for a key after `problem`; true once one is entered, false when it is not given. */
export function wantKey(problem) {
  asking ??= ask(problem).finally(() => (asking = null));
  return asking;
}

function ask(problem) {
  const dialog = byId("key-dialog");
  const had = keyOf();
  byId("key-error").textContent = had ? `The key was refused: ${problem.message}` : "";
  byId("key-forget").hidden = !had;
  byId("key-input").value = "";
  dialog.showModal();
  return new Promise((resolve) => {
    const done = () => {
      const given = dialog.returnValue;
      dialog.returnValue = "";
      if (given) keep(given);
      resolve(Boolean(given));
    };
    dialog.addEventListener("close", done, { once: true });
  });
}

function keep(key) {
  sessionStorage.setItem(NAME, key);
  changed();
}

function changed() {
  byId("key-button").hidden = !keyOf();
  for (const call of listeners) call();
}

/** `changedByHand` is called after a key was entered or forgotten through the button. */
export function setUpKey(changedByHand) {
  const dialog = byId("key-dialog");
  byId("key-form").addEventListener("submit", (event) => {
    event.preventDefault();
    const key = byId("key-input").value.trim();
    if (!/^[\x21-\x7e]+$/.test(key)) {
      byId("key-error").textContent = "A key has no spaces and only plain letters, digits and signs.";
      return;
    }
    dialog.close(key);
  });
  byId("key-cancel").addEventListener("click", () => dialog.close(""));
  byId("key-forget").addEventListener("click", () => {
    sessionStorage.removeItem(NAME);
    changed();
    dialog.close("");
  });
  byId("key-button").addEventListener("click", async () => {
    const entered = wantKey({ message: "" });
    byId("key-error").textContent = "";
    await entered;
    changedByHand();
  });
  byId("key-button").hidden = !keyOf();
}
