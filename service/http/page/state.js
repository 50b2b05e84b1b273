/**
 * What the page shows, as it stands in the address after `#`, so that it can be sent to somebody.
 *
 *     #user=42                                      what user 42 is recommended
 *     #user=42&without=780&loved=318&item=593       the same without one entry and with another,
 *                                                   and why item 593 is on the list
 *     #new&liked=1                                  somebody new, who liked item 1
 *
 * `changes` maps the id of an item to "loved", "liked", "used" (no more is known), "disliked" or
 * "without".
 */

export const ATTITUDES = ["loved", "liked", "used", "disliked"];
const CHANGES = [...ATTITUDES, "without"];

/** Return the state that an address tells; `user` is null for somebody new, "" for nobody yet. */
export function read(fragment) {
  const told = new URLSearchParams(fragment.replace(/^#/, ""));
  const changes = new Map();
  for (const [name, value] of told) if (CHANGES.includes(name)) changes.set(value, name);
  return { user: told.has("new") ? null : (told.get("user") ?? ""), changes, item: told.get("item") };
}

/** Return the fragment of a state. */
export function write({ user, changes, item }) {
  const told = new URLSearchParams(user === null ? { new: "" } : { user });
  for (const [id, change] of changes) told.append(change, id);
  if (item !== null) told.set("item", item);
  return `#${told}`.replace("#new=", "#new");
}

/** Return the state with one more change; a change to what is there anyway is none. */
export function changed(state, id, change, before) {
  const changes = new Map(state.changes);
  changes.delete(id);
  if (change !== before && !(change === "without" && before === undefined)) changes.set(id, change);
  return { ...state, changes };
}
