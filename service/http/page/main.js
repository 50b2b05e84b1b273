/**
 * The page: what is chosen becomes a question, and what is answered becomes elements.
 *
 *     the address → state → show(): history, question → stream → list → why
 *
 * Every change goes through `go`: it writes the address, and shows what it tells.
 */

import { combobox } from "./combobox.js";
import { counted, element, find, say } from "./dom.js";
import { History, rows } from "./history.js";
import { degraded, refused } from "./notices.js";
import { Recommendations } from "./recommendations.js";
import { Problem, ask, forgetKey, hasKey, keepKey, stream } from "./service.js";
import { changed, read, write } from "./state.js";
import { place, why } from "./why.js";

const K = 10;
const MOST_ENTRIES = 1000;
const FRIENDLY_SIZE = 60; // entries of the user to begin with: enough to see, few enough to read
const MOST_RETRIES = 5; // where the service says when to ask again
const wide = matchMedia("(min-width: 75rem)");

const history = new History(change);
const list = new Recommendations(pick);
const known = new Map(); // items by id, as far as they were met
let state = read(location.hash);
let dataset = { noun: { one: "item", many: "items" }, usual: {} };
let entries = []; // of the user, without changes
let items = []; // recommended
let before = null; // ranks by id under the unchanged history
let shown = null; // the item that `why` is about
let asking = new AbortController();
let retrying = { timer: 0, times: 0 };

// ---------------------------------------------------------------- from state to question

/** Go to another state. */
function go(next, { keeps = false } = {}) {
  const isOther = next.user !== state.user;
  state = next;
  window.history[isOther ? "pushState" : "replaceState"](null, "", write(state));
  if (!keeps) show(isOther);
}

/** Show the state; the history is fetched where it is another user's. */
async function show(isOther) {
  clearTimeout(retrying.timer);
  asking.abort();
  asking = new AbortController();
  const { signal } = asking;
  try {
    if (isOther) await fetchHistory(signal);
    await fetchAdded(signal);
    showHistory();
    await recommend(signal);
    retrying.times = 0;
  } catch (error) {
    failed(error);
  }
}

async function fetchHistory(signal) {
  [entries, before, items] = [[], null, []];
  retreat();
  list.clear();
  list.wait(K);
  find("why").hidden = true;
  find("user").value = state.user ?? "";
  find("list-title").textContent = state.user === null ? "For somebody new" : `For user ${state.user}`;
  document.title = `${find("list-title").textContent} · Prism`;
  find("cold").setAttribute("aria-pressed", String(state.user === null));
  history.empty("…");
  if (state.user === null) return;
  const path = `users/${encodeURIComponent(state.user)}/history?limit=${MOST_ENTRIES}`;
  entries = (await ask(path, null, signal)).items;
}

/** Learn what the items are that an address adds to the history. */
async function fetchAdded(signal) {
  for (const { item } of entries) known.set(item.id, item);
  const unknown = [...state.changes.keys()].filter((id) => !known.has(id));
  await Promise.all(
    unknown.map(async (id) => known.set(id, await ask(`items/${encodeURIComponent(id)}`, null, signal))),
  );
}

function showHistory() {
  const found = rows(entries, state.changes, known);
  const { noun, usual } = dataset;
  find("history-count").textContent = counted(found.filter((row) => row.attitude !== "without").length, noun);
  if (found.length) history.show(found, usual);
  else history.empty(`Nothing yet. Add ${noun.many} by their title, or take some from the list.`);
  showChanges();
}

function showChanges() {
  const bar = find("what-if");
  bar.hidden = !state.changes.size || state.user === null;
  const there = new Set(entries.map((entry) => entry.item.id));
  const told = { "left out": 0, "liked otherwise": 0, added: 0 };
  for (const [id, what] of state.changes) {
    told[!there.has(id) ? "added" : what === "without" ? "left out" : "liked otherwise"] += 1;
  }
  const parts = Object.entries(told).filter(([, number]) => number).map(([name, number]) => `${number} ${name}`);
  const undo = element("button", { type: "button" }, "As it was");
  undo.addEventListener("click", () => go({ ...state, changes: new Map() }));
  bar.replaceChildren(element("p", {}, element("b", {}, "What if: "), parts.join(", ")), undo);
}

/** Return path and body of the question: for a user, with what is changed, or for a history. */
function question() {
  const path = "recommend/stream";
  if (state.user !== null && !state.changes.size) {
    const asked = new URLSearchParams({ user_id: state.user, k: K, facts: true });
    return [`${path}?${asked}`, null];
  }
  const told = [...state.changes].map(([id, change]) => ({
    item_id: id,
    value: change === "without" ? null : dataset.usual[change],
  }));
  const who = state.user === null ? {} : { user_id: state.user };
  return [path, { ...who, history: told, k: K, facts: true }];
}

async function recommend(signal) {
  const started = performance.now();
  const since = () => performance.now() - started;
  const times = {};
  list.wait(K);
  for await (const [event, data] of stream(...question(), signal)) {
    if (signal.aborted) return;
    if (event === "items") {
      times.items = since();
      showItems(data);
    } else if (event === "explanation") {
      if (times.first === undefined) performance.mark("first sentence");
      times.first ??= since();
      showExplanation(data, since());
    } else if (event === "done") {
      performance.mark("all sentences");
      degraded(data.degraded, again);
      showTimes({ ...times, all: since() }, data);
    } else if (event === "error") {
      throw new Problem(data.status, data);
    }
  }
}

// ---------------------------------------------------------------- from answer to elements

function showItems(answer) {
  items = answer.items;
  for (const { facts } of items) if (facts) known.set(facts.item.id, facts.item);
  const ranks = new Map(items.map((item) => [item.item_id, item.rank]));
  if (!state.changes.size) before = ranks;
  const isChanged = state.changes.size > 0 && before !== null && state.user !== null;
  const moves = isChanged
    ? new Map(items.map(({ item_id: id, rank }) => [id, before.has(id) ? before.get(id) - rank : null]))
    : null;
  retreat();
  list.show(items, moves);
  find("notices").replaceChildren();
  find("timing").textContent = "Sentences are on their way …";
  say(`${counted(items.length, dataset.noun)} recommended`);
}

/** Take the panel out of the list, which is about to change. */
function retreat() {
  shown = null;
  place(null, true);
  if (!wide.matches || !items.length) find("why").hidden = true;
}

function showExplanation({ item_id: id, explanation }, after) {
  const item = items.find((one) => one.item_id === id);
  item.explanation = explanation;
  list.explain(item, after);
  const wanted = ranked(state.item);
  if (shown !== null || item !== (wanted ?? items[0])) return;
  light(item);
  if (wanted) tell(item);
}

function showTimes({ items: ranked, first, all }, { model, timings_ms: server }) {
  const ms = (value) => `${Math.round(value)} ms`;
  const parts = [`Ranked in ${ms(ranked)}`];
  if (first !== undefined) parts.push(`first sentence after ${ms(first)}`, `all after ${ms(all)}`);
  find("timing").textContent = `${parts.join(", ")}.`;
  find("timing").title = `${model}; at the service: ${Object.entries(server).map(([stage, value]) => `${stage} ${value.toFixed(1)} ms`).join(", ")}`;
}

// ---------------------------------------------------------------- pointing, and what if

const ranked = (id) => items.find((item) => item.item_id === id);

/** Light up what is pointed at; what is meant is told, and stays in the address. */
function pick(id, isMeant) {
  const item = ranked(id);
  const isReading = find("why").contains(document.activeElement);
  if (!item?.explanation || (isReading && !isMeant)) return;
  if (isMeant && shown === item && !wide.matches) return put(); // a second tap closes it
  light(item);
  if (!isMeant) return;
  if (shown !== item) tell(item);
  go({ ...state, item: id }, { keeps: true });
  if (wide.matches) find("why-title").focus({ preventScroll: true });
}

/** Light up a sentence and what it rests on; where there is room beside the list, tell why. */
function light(item) {
  list.light(item.item_id);
  history.light(item.explanation.evidence);
  if (wide.matches && shown !== item) tell(item);
}

function tell(item) {
  shown = item;
  const panel = find("why");
  const hasFocus = panel.contains(document.activeElement);
  panel.replaceChildren(...why(item, dataset.usual, { change, reveal }));
  place(list.card(item.item_id), wide.matches);
  panel.hidden = false;
  if (hasFocus) find("why-title").focus({ preventScroll: true });
}

function put() {
  retreat();
  list.light(null);
  history.light([]);
  go({ ...state, item: null }, { keeps: true });
}

function reveal(id) {
  find("history").open = true;
  history.reveal(id);
}

/** Ask what if: an entry left out, liked otherwise, or added. */
function change(id, what, was) {
  const entry = entries.find((one) => one.item.id === id);
  go(changed(state, id, what, entry ? (entry.liking ?? "disliked") : undefined, was));
}

// ---------------------------------------------------------------- failing, keys, beginning

const again = () => show(true);

function failed(error) {
  if (error.name === "AbortError") return;
  if (!(error instanceof Problem)) throw error;
  if (error.status === 401) return askForKey(error);
  items = [];
  retreat();
  list.clear();
  find("timing").textContent = "";
  if (!entries.length) history.empty("Not known.");
  const isLater = error.retryAfter > 0 && retrying.times < MOST_RETRIES;
  if (isLater) retrying = { timer: setTimeout(again, error.retryAfter * 1000), times: retrying.times + 1 };
  refused(error, again, isLater);
}

function askForKey({ type }) {
  const isWrong = type === "urn:prism:wrong-key";
  const dialog = find("key-dialog");
  if (isWrong) find("key-why").textContent = "That key is not, or no longer, valid here. Try another.";
  find("key-why").classList.toggle("bad", isWrong);
  find("key").value = "";
  if (!dialog.open) dialog.showModal();
}

async function begin() {
  find("forget-key").hidden = !hasKey();
  find("docs").hidden = hasKey(); // a link sends no key
  try {
    dataset = await ask("dataset");
    if (state.user === "") state = { ...state, user: await somebody() };
    window.history.replaceState(null, "", write(state));
    await show(true);
  } catch (error) {
    failed(error);
  }
}

/** Return a user whose history can be read at a glance; null where there is nobody. */
async function somebody() {
  const { users } = await ask("users?limit=50");
  const far = (user) => Math.abs(user.interactions - FRIENDLY_SIZE);
  return users.sort((a, b) => far(a) - far(b))[0]?.user_id ?? null;
}

combobox(find("user"), {
  search: async (text) =>
    (await ask(`users?limit=8&search=${encodeURIComponent(text)}`)).users.map((user) => ({
      id: user.user_id,
      label: user.user_id,
      detail: counted(user.interactions, dataset.noun),
    })),
  choose: ({ id }) => go({ user: id, changes: new Map(), item: null }),
  nothing: (text) => `No user has “${text}” in the id.`,
  failed,
});

combobox(find("add"), {
  search: async (text) => {
    const found = (await ask(`items?limit=8&search=${encodeURIComponent(text)}`)).items;
    for (const item of found) known.set(item.id, item);
    return found.map((item) => ({ id: item.id, label: item.title, detail: String(item.year ?? "") }));
  },
  choose: ({ id }) => {
    find("add").value = "";
    change(id, "loved" in dataset.usual ? "loved" : "liked");
  },
  nothing: (text) => `No title has “${text}” in it.`,
  failed,
});

find("cold").addEventListener("click", () => go({ user: null, changes: new Map(), item: null }));
find("forget-key").addEventListener("click", () => (forgetKey(), location.reload()));
find("key-dialog").addEventListener("close", () => (keepKey(find("key").value.trim()), begin()));
find("key-dialog").addEventListener("cancel", (event) => event.preventDefault());
find("why").addEventListener("keydown", (event) => {
  if (event.key === "Escape" && shown) list.card(shown.item_id).querySelector(".sentence").focus();
});
document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault(); // what stands after # is the state
  find("list").focus();
});
window.addEventListener("popstate", () => {
  const isOther = read(location.hash).user !== state.user;
  state = read(location.hash);
  if (state.user === "") begin();
  else show(isOther);
});
wide.addEventListener("change", () => shown && place(list.card(shown.item_id), wide.matches));
find("history").open = matchMedia("(min-width: 48rem)").matches;
begin();
