/** What the two fields search for: users by a part of the id, items by a part of the title. */

import { counted } from "./dom.js";
import { ask } from "./service.js";

const MOST = 8;

async function found(path, text) {
  return ask(`${path}?limit=${MOST}&search=${encodeURIComponent(text)}`);
}

/** Return users as options; `noun` is what their items are called. */
export async function users(text, noun) {
  const told = (await found("users", text)).users;
  return told.map(({ user_id: id, interactions }) => ({ id, label: id, detail: counted(interactions, noun) }));
}

/** Return items as options, and remember them by id in `known`. */
export async function items(text, known) {
  const told = (await found("items", text)).items;
  for (const item of told) known.set(item.id, item);
  return told.map(({ id, title, year }) => ({ id, label: title, detail: String(year ?? "") }));
}
