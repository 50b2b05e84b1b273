/** The list of recommendations: items at once, each sentence when it comes. */

import { element, find } from "./dom.js";
import { sentence } from "./sentence.js";

const DWELL_MS = 90;
const REASONS = {
  deadline: "the Prism took too long",
  rejected: "the Prism's text failed the check",
  shed: "there is too much to write",
  unavailable: "no Prism is there",
};

/** The list; `pick(id, isMeant)` is called for what is pointed at, or meant by a click. */
export class Recommendations {
  #list = find("list");
  #cards = new Map();
  #dwelling = 0;

  constructor(pick) {
    this.pick = pick;
  }

  /** Show that something is on its way: what is there fades, or lines stand for it. */
  wait(k) {
    this.#list.setAttribute("aria-busy", "true");
    if (!this.#list.children.length) this.#list.append(...Array.from({ length: k }, placeholder));
  }

  /** Show items; `moves` has how far each went up since the unchanged history, null for none. */
  show(items, moves) {
    this.#list.removeAttribute("aria-busy");
    this.#cards = new Map(items.map((item) => [item.item_id, this.#card(item, moves?.get(item.item_id))]));
    const nothing = element("li", { className: "empty" }, "There is nothing left to recommend.");
    this.#list.replaceChildren(...(items.length ? this.#cards.values() : [nothing]));
    for (const item of items) if (item.explanation) this.explain(item);
  }

  /** Show nothing. */
  clear() {
    this.#cards = new Map();
    this.#list.removeAttribute("aria-busy");
    this.#list.replaceChildren();
  }

  /** Put the sentence of an item in its place; `after` is how long it took, in milliseconds. */
  explain({ item_id: id, explanation }, after) {
    const card = this.#cards.get(id);
    const text = card.querySelector(".sentence");
    text.replaceChildren(...sentence(explanation));
    text.disabled = false;
    card.classList.remove("waits");
    card.querySelector(".badges").replaceChildren(...badges(explanation, after));
  }

  /** Say how long it took, in milliseconds here, and at the service in each stage. */
  time({ items, first, all }, { model, timings_ms: stages }) {
    const ms = (value) => `${Math.round(value)} ms`;
    const told = [`Ranked in ${ms(items)}`];
    if (first !== undefined) told.push(`first sentence after ${ms(first)}`, `all after ${ms(all)}`);
    const there = Object.entries(stages).map(([stage, value]) => `${stage} ${value.toFixed(1)} ms`);
    find("timing").textContent = `${told.join(", ")}.`;
    find("timing").title = `${model}; at the service: ${there.join(", ")}`;
  }

  /** Light up one card, and no other. */
  light(id) {
    for (const [other, card] of this.#cards) {
      const isLit = other === id;
      card.classList.toggle("lit", isLit);
      card.querySelector(".sentence").setAttribute("aria-pressed", String(isLit));
    }
  }

  /** Return the card of an item, if it is shown. */
  card(id) {
    return this.#cards.get(id);
  }

  #card(item, move) {
    const about = [item.facts?.item.year, item.facts?.item.categories.join(", ")].filter(Boolean).join(" · ");
    const text = element(
      "button",
      { type: "button", className: "sentence", disabled: true, "aria-pressed": "false", "aria-controls": "why" },
      element("span", { className: "line" }),
      element("span", { className: "line short" }),
    );
    const card = element(
      "li",
      { className: "card waits", dataset: { item: item.item_id } },
      element("span", { className: "rank", "aria-hidden": "true" }, String(item.rank)),
      element("h2", {}, item.title, " ", element("small", {}, about), moved(move)),
      text,
      element("p", { className: "badges soft" }),
    );
    const pick = (isMeant) => this.pick(item.item_id, isMeant);
    text.addEventListener("click", () => pick(true));
    text.addEventListener("focus", () => text.matches(":focus-visible") && pick(false));
    text.addEventListener("pointerenter", (event) => {
      if (event.pointerType !== "mouse") return;
      clearTimeout(this.#dwelling);
      this.#dwelling = setTimeout(() => text.disabled || pick(false), DWELL_MS);
    });
    text.addEventListener("pointerleave", () => clearTimeout(this.#dwelling));
    return card;
  }
}

function badges({ source, reason, cached }, after) {
  const isPrism = source === "prism";
  const told = [
    element("span", { className: `badge ${source}` }, isPrism ? "Prism" : "Grounded"),
    reason ? element("span", {}, REASONS[reason] ?? reason) : null,
    cached ? element("span", {}, "from the cache") : null,
    after === undefined ? null : element("span", {}, `after ${Math.round(after)} ms`),
  ];
  return told.filter(Boolean);
}

function moved(move) {
  if (!move && move !== null) return null; // nothing to compare with, or nothing has changed
  if (move === null) return element("span", { className: "moved" }, "new");
  const way = move > 0 ? "up" : "down";
  return element("span", { className: `moved ${way}` }, `${way} ${Math.abs(move)}`);
}

function placeholder() {
  const line = (kind) => element("span", { className: `line ${kind}` });
  return element("li", { className: "card waits", "aria-hidden": "true" }, line("head"), line(""), line("short"));
}
