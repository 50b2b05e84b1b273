/** Why an item is on the list: exact contributions as bars, the claims, and the check at work. */

import { checkPanel } from "./check.js";
import { element, find } from "./dom.js";
import { ATTITUDES } from "./state.js";

const WORDS = { loved: "I loved it", liked: "I liked it", used: "I know it", disliked: "Not for me" };

/**
 * Return the parts of the panel about one item.
 *
 * `change(id, what)` asks what if; `reveal(id)` shows an entry where it stands; `usual` has
 * the kinds of entries that there are.
 */
export function why(item, usual, { change, reveal }) {
  const { explanation } = item;
  return [
    element("h2", { id: "why-title", tabIndex: -1 }, "Why ", element("q", {}, item.title)),
    explanation.evidence.length ? contributions(item, { change, reveal }) : without(explanation),
    checkPanel(explanation, item.facts),
    known(item, usual, change),
  ];
}

function contributions({ explanation, score }, { change, reveal }) {
  const { evidence } = explanation;
  if (evidence.some((entry) => entry.contribution === null)) {
    const names = evidence.map((entry) => element("li", {}, entry.title));
    const note = element("p", { className: "soft" }, "This ranker tells no contributions.");
    return element("section", {}, element("h3", {}, "It rests on"), element("ul", {}, ...names), note);
  }
  const others = evidence.reduce((left, entry) => left - entry.contribution, score);
  const most = Math.max(...evidence.map((entry) => entry.contribution));
  const bars = evidence.map((entry) => {
    const name = element("button", { type: "button", className: "name", title: "Show it in the history" }, entry.title);
    name.addEventListener("click", () => reveal(entry.item_id));
    const out = element("button", { type: "button", className: "out", title: "Leave out", "aria-label": `What if without ${entry.title}` }, "×");
    out.addEventListener("click", () => change(entry.item_id, "without"));
    return bar(name, entry.contribution, most, out);
  });
  return element(
    "section",
    { "aria-label": "Contributions" },
    element("h3", {}, "What carried it"),
    element("ul", { className: "bars" }, ...bars),
    element("p", { className: "sum" }, "All other entries", element("span", {}, signed(others))),
    element("p", { className: "sum" }, "Score", element("b", {}, score.toFixed(3))),
    element("p", { className: "soft" }, "Exact: the contributions of the whole history add up to the score."),
  );
}

function bar(name, share, most, out) {
  const fill = element("span", { className: "fill" });
  fill.style.inlineSize = `${(100 * share) / most}%`;
  const number = element("span", { className: "number" }, signed(share));
  return element("li", {}, name, number, out, element("span", { className: "track" }, fill));
}

function signed(share) {
  return `${share < 0 ? "−" : "+"}${Math.abs(share).toFixed(3)}`;
}

function without() {
  return element(
    "section",
    {},
    element("h3", {}, "What carried it"),
    element("p", {}, "No entry of the history weighs enough to be named. The sentence gives no reason."),
  );
}

function known({ item_id: id, title }, usual, change) {
  const buttons = ATTITUDES.filter((kind) => kind in usual).map((kind) => {
    const made = element("button", { type: "button", "aria-label": `${WORDS[kind]}: add ${title} to the history` }, WORDS[kind]);
    made.addEventListener("click", () => change(id, kind));
    return made;
  });
  return element("section", {}, element("h3", {}, "What if it were in the history?"), element("p", { className: "choices" }, ...buttons));
}

/** Put the panel where there is room: beside the list, or under the card that it is about. */
export function place(card, isWide) {
  const panel = find("why");
  if (isWide) document.querySelector("main").append(panel);
  else card?.append(panel);
}
