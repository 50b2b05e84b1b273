/**
 * The page: what is chosen becomes a question, and what is answered becomes elements.
 *
 *     the address → state → show(): history, question → stream → list → why
 *
 * Every change goes through `go`: it writes the address, and shows what it tells.
 */

import { combobox } from "./combobox.js";
import { counted, element, find, say } from "./dom.js";
import { History } from "./history.js";
import { askForKey, showKey } from "./keys.js";
import { degraded, refused } from "./notices.js";
import { Recommendations } from "./recommendations.js";
import * as search from "./search.js";
import { Problem, ask, stream } from "./service.js";
import { ATTITUDES, changed, read, write } from "./state.js";
import { before, moves, question, rows, words } from "./what-if.js";
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
let dataset = null; // what items are called, and the usual value of each kind of entry
let entries = []; // of the history of `owner`, without changes
let owner; // undefined while no history is known
let items = []; // recommended
let ranks = null; // by item, under the unchanged history
let shown = null; // the item that `why` is about
let asking = new AbortController();
let retrying = { timer: 0, times: 0 };

const noun = () => dataset?.noun ?? { one: "item", many: "items" };
const usual = () => dataset?.usual ?? {};

// ---------------------------------------------------------------- from state to question

/** Go to another state. */
function go(next, { keeps = false } = {}) {
  const isOther = next.user !== state.user;
  state = next;
  window.history[isOther ? "pushState" : "replaceState"](null, "", write(state));
  if (!keeps) show();
}

/** Show the state: the history where it is another one, and what is recommended. */
async function show() {
  clearTimeout(retrying.timer);
  asking.abort();
  asking = new AbortController();
  const { signal } = asking;
  showState();
  try {
    await learn(signal);
    showHistory();
    await recommend(signal);
    retrying.times = 0;
  } catch (error) {
    failed(error);
  }
}

/** Learn what only the ranking service knows; without it the gateway may still recommend. */
async function learn(signal) {
  try {
    dataset ??= await ask("dataset", null, signal);
    if (owner !== state.user) await fetchHistory(signal);
    for (const { item } of entries) known.set(item.id, item);
    const unknown = [...state.changes.keys()].filter((id) => !known.has(id));
    const fetch = async (id) => known.set(id, await ask(`items/${encodeURIComponent(id)}`, null, signal));
    await Promise.all(unknown.map(fetch));
  } catch (error) {
    if (error.type !== "urn:prism:no-ranker") throw error;
  }
}

async function fetchHistory(signal) {
  [entries, ranks, items, owner] = [[], null, [], undefined];
  retreat();
  list.clear();
  list.wait(K);
  history.empty("…");
  find("history-count").textContent = "";
  if (state.user !== null) {
    const path = `users/${encodeURIComponent(state.user)}/history?limit=${MOST_ENTRIES}`;
    entries = (await ask(path, null, signal)).items;
  }
  owner = state.user;
}

function showHistory() {
  showState();
  const found = rows(entries, state.changes, known);
  const there = found.filter((row) => row.attitude !== "without").length;
  if (owner === undefined) return history.empty("Not known while the ranking service is away.");
  const latest = entries.length === MOST_ENTRIES ? "the latest " : "";
  find("history-count").textContent = latest + counted(there, noun());
  if (found.length) history.show(found, usual());
  else history.empty(`Nothing yet. Add ${noun().many} by their title, or take some from the list.`);
}

function showState() {
  const { user, changes } = state;
  if (document.activeElement !== find("user")) find("user").value = user ?? ""; // who types goes on
  find("cold").setAttribute("aria-pressed", String(user === null));
  find("list-title").textContent = user === null ? "For somebody new" : `For user ${user}`;
  document.title = `${find("list-title").textContent} · Prism`;
  find("what-if").hidden = !changes.size || user === null;
  const undo = element("button", { type: "button" }, "As it was");
  undo.addEventListener("click", () => go({ ...state, changes: new Map() }));
  const told = element("p", {}, element("b", {}, "What if: "), words(entries, changes));
  find("what-if").replaceChildren(told, undo);
}

async function recommend(signal) {
  const started = performance.now();
  const since = () => performance.now() - started;
  const times = {};
  list.wait(K);
  for await (const [event, data] of stream(...question(state, usual(), K), signal)) {
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
      degraded(data.degraded, show);
      list.time({ ...times, all: since() }, data);
    } else if (event === "error") {
      throw new Problem(data.status, data);
    }
  }
}

// ---------------------------------------------------------------- from answer to elements

function showItems(answer) {
  items = answer.items;
  for (const { facts } of items) if (facts) known.set(facts.item.id, facts.item);
  if (!state.changes.size) ranks = new Map(items.map((item) => [item.item_id, item.rank]));
  retreat();
  list.show(items, ranks && state.user !== null && state.changes.size ? moves(items, ranks) : null);
  find("notices").replaceChildren();
  find("timing").textContent = "Sentences are on their way …";
  say(`${counted(items.length, noun())} recommended`);
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
  panel.replaceChildren(...why(item, usual(), { change, reveal }));
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
function change(id, what) {
  go(changed(state, id, what, before(entries.find((one) => one.item.id === id))));
}

// ---------------------------------------------------------------- failing, keys, beginning

function failed(error) {
  if (error.name === "AbortError") return;
  if (!(error instanceof Problem)) throw error;
  if (error.status === 401) return askForKey(error, begin);
  items = [];
  retreat();
  list.clear();
  find("timing").textContent = "";
  if (owner === undefined) history.empty("Not known.");
  const isLater = error.retryAfter > 0 && retrying.times < MOST_RETRIES;
  if (isLater) retrying = { timer: setTimeout(begin, error.retryAfter * 1000), times: retrying.times + 1 };
  refused(error, begin, isLater);
}

/** Show what the address tells, or, where it tells nobody, somebody. */
async function begin() {
  showKey();
  try {
    if (state.user === "") {
      state = { ...state, user: await somebody() };
      window.history.replaceState(null, "", write(state));
    }
    await show();
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
  search: (text) => search.users(text, noun()),
  choose: ({ id }) => {
    find("user").value = id;
    go({ user: id, changes: new Map(), item: null });
  },
  nothing: (text) => `No user has “${text}” in the id.`,
});

combobox(find("add"), {
  search: (text) => search.items(text, known),
  choose: ({ id }) => {
    find("add").value = "";
    change(id, ATTITUDES.find((attitude) => attitude in usual()));
  },
  nothing: (text) => `No title has “${text}” in it.`,
});

find("cold").addEventListener("click", () => go({ user: null, changes: new Map(), item: null }));
find("why").addEventListener("keydown", (event) => {
  if (event.key === "Escape" && shown) list.card(shown.item_id).querySelector(".sentence").focus();
});
document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault(); // what stands after # is the state
  find("list").focus();
});
window.addEventListener("popstate", () => {
  state = read(location.hash);
  begin();
});
wide.addEventListener("change", () => shown && place(list.card(shown.item_id), wide.matches));
find("history").open = matchMedia("(min-width: 48rem)").matches;
begin();
