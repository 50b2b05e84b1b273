/**
 * A sentence with its claims marked.
 *
 * Claims are spans in code points and lie within each other: in "you loved “Heat”" the liking is the
 * whole and the title a part. So the text is cut wherever a claim begins or ends, and each piece
 * knows the claims that cover it.
 */

import { element } from "./dom.js";

/** Return the pieces of a text, each with the claims that cover it, the widest first. */
export function pieces(text, claims) {
  const points = Array.from(text);
  const inside = claims.filter(({ start, end }) => 0 <= start && start < end && end <= points.length);
  const cuts = new Set([0, points.length, ...inside.flatMap(({ start, end }) => [start, end])]);
  const at = [...cuts].sort((a, b) => a - b);
  return at.slice(0, -1).map((start, n) => ({
    text: points.slice(start, at[n + 1]).join(""),
    claims: inside
      .filter((claim) => claim.start <= start && at[n + 1] <= claim.end)
      .sort((a, b) => b.end - b.start - (a.end - a.start)),
  }));
}

/** Return the pieces of an explanation as elements: titles of its evidence stand out most. */
export function sentence({ text, claims, evidence }) {
  const rested = new Set(evidence.map((entry) => entry.item_id));
  return pieces(text, claims).map((piece) => {
    if (!piece.claims.length) return piece.text;
    const title = piece.claims.find((claim) => claim.type === "title");
    const className = rested.has(title?.item_id) ? "claim evidence" : title ? "claim title" : "claim";
    return element("span", { className, dataset: title ? { item: title.item_id } : {} }, piece.text);
  });
}

/** Return the pieces of a checked text as elements: contradicted, or as its narrowest claim is. */
export function judged(text, claims) {
  return pieces(text, claims).map((piece) => {
    if (!piece.claims.length) return piece.text;
    const isFalse = piece.claims.some((claim) => claim.outcome === "contradicted");
    const outcome = isFalse ? "contradicted" : piece.claims.at(-1).outcome;
    return element("span", { className: `judged ${outcome}` }, piece.text);
  });
}
