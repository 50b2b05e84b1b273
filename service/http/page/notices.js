/** What the page says when a part of the service is away, or refuses: what it means, what to do. */

import { element, find, say } from "./dom.js";

const DEGRADED = {
  ranker: [
    "The ranking service is away.",
    "These are the last recommendations known to be good, or what most people here like.",
  ],
  worker: [
    "The Prism is away.",
    "So sentences are put together by the grammar instead. They are plainer, and just as true.",
  ],
};

const REFUSED = {
  "urn:prism:unknown-user": ["Nobody here has this id", "The search for users finds those who are known."],
  "urn:prism:unknown-item": ["An item is not known", "The address names one that is not, or no longer, in the catalogue."],
  "urn:prism:no-ranker": ["The ranking service does not answer", "And nothing is known of this user yet that could stand in."],
  "urn:prism:too-fast": ["Too fast", "There were more requests than your limit allows. It opens again in a moment."],
  "urn:prism:overload": ["Too much to do", "The service answers others first. It will be your turn in a moment."],
  gone: ["The service cannot be reached", "Is it running, and is this machine connected?"],
};

/** Show notices for the parts that could not do their work; none for an empty list. */
export function degraded(parts, again) {
  show(parts.filter((part) => part in DEGRADED).map((part) => notice(...DEGRADED[part], again)));
}

/** Show what went wrong; `again` tries once more, which is done anyway where it `isLater`. */
export function refused(problem, again, isLater) {
  const [title, text] = REFUSED[problem.type] ?? ["That did not work", problem.message];
  const soon = isLater ? ` Trying again in ${problem.retryAfter} s.` : "";
  say(title + soon);
  show([notice(title, text + soon, ...(problem.status === 404 ? [null] : [again, "bad"]))]);
}

function show(notices) {
  find("notices").replaceChildren(...notices);
}

function notice(title, text, again, kind = "") {
  const retry = again && element("button", { type: "button" }, "Try again");
  retry?.addEventListener("click", again);
  return element("div", { className: `notice ${kind}` }, element("h2", {}, title), element("p", {}, text), retry);
}
