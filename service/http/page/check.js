/**
 * The check at work: edit a text, and see which claim fails.
 *
 *     “Heat”, a 1995 crime film.   every claim holds
 *     “Heat”, a 1985 crime film.   “1985”: year, not so of “Heat”
 */

import { element } from "./dom.js";
import { ask } from "./service.js";
import { judged } from "./sentence.js";

const PAUSE_MS = 150;
const PRAISE = " It has a gripping plot.";
let asked = new AbortController();

/** Return the panel for an explanation and the Facts that it may speak of. */
export function checkPanel({ text, claims }, facts) {
  const area = element("textarea", { id: "text", rows: 5, maxLength: 2000, value: text, spellcheck: false });
  const verdict = element("div", { className: "verdict", role: "status" });
  let timer = 0;

  async function check() {
    asked.abort();
    asked = new AbortController();
    try {
      show(await ask("check", { facts, text: area.value }, asked.signal));
    } catch (error) {
      if (error.name !== "AbortError") verdict.replaceChildren(element("p", { className: "bad" }, error.message));
    }
  }

  function show({ passed, claims: found }) {
    const failed = found.filter((claim) => claim.outcome !== "supported");
    const marked = element("p", { className: "marked" }, ...judged(area.value, found));
    const held = found.filter((claim) => claim.outcome === "supported");
    verdict.replaceChildren(
      element("p", { className: passed ? "holds" : "fails" }, told(passed, found.length, failed.length)),
      ...(failed.length ? [marked, list(area.value, failed)] : []),
      element("details", {}, element("summary", {}, `What holds: ${held.length}`), list(area.value, held)),
    );
  }

  function edit(changed) {
    area.value = changed;
    check();
  }

  area.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(check, PAUSE_MS);
  });
  const tries = edits(text, claims).map(([name, changed]) => {
    const made = element("button", { type: "button" }, name);
    made.addEventListener("click", () => edit(changed));
    return made;
  });
  show({ passed: true, claims: claims.map((claim) => ({ ...claim, outcome: "supported" })) });
  return element(
    "section",
    { className: "check" },
    element("h3", {}, element("label", { htmlFor: "text" }, "The check at work")),
    element("p", { className: "soft" }, "Change the text, and see which claim fails."),
    area,
    element("p", { className: "choices" }, ...tries),
    verdict,
  );
}

/** Return edits to try, each with what becomes of the text. */
function edits(text, claims) {
  const points = Array.from(text);
  const year = claims.find((claim) => claim.type === "year" && claim.end - claim.start === 4);
  const tries = [["Praise it", text + PRAISE], ["As it was", text]];
  if (/\bloved\b/.test(text)) tries.unshift(["Turn a liking", text.replace(/\bloved\b/, "disliked")]);
  if (year) {
    const wrong = String(Number(points.slice(year.start, year.end).join("")) - 10);
    points.splice(year.start, 4, ...wrong);
    tries.unshift(["Move the year", points.join("")]);
  }
  return tries;
}

function told(passed, found, failed) {
  if (passed) return found ? `All ${found} claims hold.` : "It claims nothing.";
  return `${failed} of ${found} claims ${failed === 1 ? "fails" : "fail"}: such a text is never served.`;
}

function list(text, claims) {
  const points = Array.from(text);
  const item = ({ start, end, type, outcome, why }) => {
    const said = element("span", { className: `judged ${outcome}` }, points.slice(start, end).join(""));
    const reason = why || { contradicted: "not so", unverifiable: "not in the Facts" }[outcome];
    return element("li", {}, said, ` ${reason ? `${type}: ${reason}` : type}`);
  };
  return element("ul", {}, ...claims.map(item));
}
