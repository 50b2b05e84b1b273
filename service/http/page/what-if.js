/**
 * What if: changes to a history, as a question to the service, as rows, and in words.
 *
 *     changes    780 → "without", 608 → "loved"
 *     question   {"user_id": "42", "history": [{"item_id": "780", "value": null},
 *                                              {"item_id": "608", "value": 5}], …}
 *     rows       Fargo (added), …, Independence Day (crossed out), …
 *     words      1 left out, 1 added
 */

const PATH = "recommend/stream";

/** Return path and body of the question: for a user as known, with changes, or for a history. */
export function question({ user, changes }, usual, k) {
  if (user !== null && !changes.size) {
    return [`${PATH}?${new URLSearchParams({ user_id: user, k, facts: true })}`, null];
  }
  const history = [...changes].map(([id, change]) => ({
    item_id: id,
    value: change === "without" ? null : usual[change],
  }));
  return [PATH, { ...(user === null ? {} : { user_id: user }), history, k, facts: true }];
}

/** Return how an entry was liked before any change; undefined for none. */
export const before = (entry) => entry && (entry.liking ?? "disliked");

/** Return the rows of a history under changes: what was added, then the entries, latest first. */
export function rows(entries, changes, items) {
  const there = new Set(entries.map((entry) => entry.item.id));
  const added = [...changes].filter(([id, change]) => !there.has(id) && items.has(id) && change !== "without");
  return [
    ...added.reverse().map(([id, change]) => ({ item: items.get(id), attitude: change, isAdded: true })),
    ...entries.map((entry) => {
      const was = before(entry);
      return { item: entry.item, value: entry.value, before: was, attitude: changes.get(entry.item.id) ?? was };
    }),
  ];
}

/** Return changes in words. */
export function words(entries, changes) {
  const there = new Set(entries.map((entry) => entry.item.id));
  const told = { "left out": 0, "liked otherwise": 0, added: 0 };
  for (const [id, change] of changes) {
    told[change === "without" ? "left out" : there.has(id) ? "liked otherwise" : "added"] += 1;
  }
  return Object.entries(told)
    .filter(([, number]) => number)
    .map(([name, number]) => `${number} ${name}`)
    .join(", ");
}

/** Return how far each item went up since the history was unchanged, null for one that is new. */
export function moves(items, ranks) {
  const moved = ({ item_id: id, rank }) => [id, ranks.has(id) ? ranks.get(id) - rank : null];
  return new Map(items.map(moved));
}
