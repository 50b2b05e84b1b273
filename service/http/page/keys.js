/** The key, where the service asks for one: a dialog, and a button that forgets it. */

import { find } from "./dom.js";
import { forgetKey, hasKey, keepKey } from "./service.js";

/** Ask for a key, because there is none or it is wrong; `begin` is called with each that is given. */
export function askForKey({ type }, begin) {
  const dialog = find("key-dialog");
  const isWrong = type === "urn:prism:wrong-key";
  if (isWrong) find("key-why").textContent = "That key is not, or no longer, valid here. Try another.";
  find("key-why").classList.toggle("bad", isWrong);
  find("key").value = "";
  dialog.oncancel = (event) => event.preventDefault();
  dialog.onclose = () => {
    keepKey(find("key").value.trim());
    begin();
  };
  if (!dialog.open) dialog.showModal();
}

/** Show what goes with a key: the button, and no link to what asks for a key that no link sends. */
export function showKey() {
  find("forget-key").hidden = !hasKey();
  find("docs").hidden = hasKey();
  find("forget-key").onclick = () => {
    forgetKey();
    location.reload();
  };
}
