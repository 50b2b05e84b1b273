/**
 * The history: its entries, and what if one were not there, or were liked otherwise.
 *
 * A row stays the same element as long as its entry is shown, so that the focus stays where it is.
 */

import { element, find } from "./dom.js";
import { ATTITUDES } from "./state.js";

const FIRST = 150; // rows: a thousand at once would take a second
const NAMES = { loved: "Loved", liked: "Liked", used: "Used", disliked: "Disliked" };

/** The list of entries; `change(id, what)` is told what somebody wants to know. */
export class History {
  #list = find("entries");
  #rows = []; // all that there are
  #kinds = []; // that an entry may be of
  #most = FIRST; // shown, and beyond them those that are lit
  #lit = new Set();
  #shown = new Map(); // elements by id

  constructor(change) {
    this.change = change;
  }

  /** Show rows; `usual` has the kinds of entries that there are. */
  show(rows, usual) {
    this.#rows = rows;
    this.#kinds = ATTITUDES.filter((kind) => kind in usual);
    this.#render();
  }

  #render() {
    const rows = this.#rows.filter((row, n) => n < this.#most || this.#lit.has(row.item.id));
    this.#shown = new Map(rows.map((row) => [row.item.id, this.#shown.get(row.item.id) ?? this.#made(row)]));
    const elements = [...this.#shown.values()];
    if (rows.length < this.#rows.length) elements.push(this.#more(this.#rows.length - rows.length));
    const kept = new Set(elements);
    for (const one of [...this.#list.children]) if (!kept.has(one)) one.remove();
    elements.forEach((one, n) => {
      if (this.#list.children[n] !== one) this.#list.insertBefore(one, this.#list.children[n] ?? null);
    });
    rows.forEach((row) => patch(this.#shown.get(row.item.id), row));
  }

  #more(number) {
    const button = element("button", { type: "button", className: "plain" }, `Show ${number} more`);
    button.addEventListener("click", () => {
      this.#most = Infinity;
      this.#render();
    });
    return element("li", { className: "empty" }, button);
  }

  /** Show what is there while nothing is known, or nothing is there. */
  empty(text) {
    [this.#rows, this.#most, this.#lit, this.#shown] = [[], FIRST, new Set(), new Map()];
    this.#list.replaceChildren(element("li", { className: "empty" }, text));
  }

  /** Light up the entries of an explanation, each with a bar for its contribution. */
  light(evidence) {
    const shares = new Map(evidence.map((entry) => [entry.item_id, entry.contribution ?? 0]));
    const most = Math.max(0, ...shares.values());
    this.#lit = new Set(shares.keys());
    if (this.#rows.length) this.#render();
    for (const [id, row] of this.#shown) {
      row.classList.toggle("lit", shares.has(id));
      row.querySelector(".bar").style.inlineSize = `${most ? (100 * (shares.get(id) ?? 0)) / most : 0}%`;
    }
    this.#pin([...this.#shown.values()].filter((row) => row.classList.contains("lit")));
  }

  /** Keep rows in sight while the list scrolls: one below the other at its top, or at its end. */
  #pin(lit) {
    const heights = lit.map((row) => row.offsetHeight);
    const sum = (some) => some.reduce((a, b) => a + b, 0);
    lit.forEach((row, n) => {
      row.style.insetBlockStart = `${sum(heights.slice(0, n))}px`;
      row.style.insetBlockEnd = `${sum(heights.slice(n + 1))}px`;
    });
  }

  /** Bring an entry into sight, moving the list and nothing else. */
  reveal(id) {
    const row = this.#shown.get(id);
    if (!row) return; // older than what is known here
    row.classList.remove("lit"); // to where it stands, not where it is pinned
    const top = row.offsetTop - this.#list.clientHeight / 2;
    row.classList.add("lit");
    this.#list.scrollTo({ top });
  }

  #made({ item, before, isAdded }) {
    const kinds = this.#kinds;
    const attitude = element(
      "select",
      { "aria-label": `How much ${item.title} was liked` },
      ...kinds.map((kind) => element("option", { value: kind }, NAMES[kind])),
    );
    attitude.hidden = kinds.length < 2;
    attitude.addEventListener("change", () => this.change(item.id, attitude.value));
    const out = element("button", { type: "button", className: "out" });
    out.addEventListener("click", () => {
      const isOut = out.getAttribute("aria-pressed") === "true";
      this.change(item.id, isOut ? before : "without");
      if (isAdded) find("add").focus(); // its row is gone
    });
    const name = element("span", { className: "name" }, item.title, " ", element("small", {}, item.year ?? ""));
    return element("li", { dataset: { item: item.id } }, name, attitude, out, element("span", { className: "bar" }));
  }
}

function patch(row, { item, before, attitude, value, isAdded }) {
  const isOut = attitude === "without";
  const [select, out] = [row.querySelector("select"), row.querySelector(".out")];
  row.classList.toggle("without", isOut);
  row.classList.toggle("changed", !isOut && attitude !== before);
  select.disabled = isOut;
  select.value = isOut ? before : attitude;
  select.title = value === undefined || attitude !== before ? "" : `As it is: ${value}`;
  out.setAttribute("aria-pressed", String(isOut));
  const what = isAdded ? "Take away" : isOut ? "Put back" : "Leave out";
  out.setAttribute("aria-label", `${what} ${item.title}`);
  out.title = what;
  out.textContent = isOut ? "↺" : "×";
}
