/**
 * Making elements: all text goes in as text, so that whatever a title holds is only ever read.
 *
 *     element("p", { className: "soft", "aria-live": "polite" }, "2 of ", element("b", {}, "10"))
 */

export const find = (id) => document.getElementById(id);

/** Return a new element; names with a dash, and `role`, are attributes, the others properties. */
export function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.includes("-") || name === "role") made.setAttribute(name, value);
    else if (name === "dataset") Object.assign(made.dataset, value);
    else made[name] = value;
  }
  made.append(...children.filter((child) => child !== null));
  return made;
}

/** Tell a screen reader, without moving anything. */
export function say(text) {
  find("said").textContent = text;
}

/** Return "1 film", "2 films". */
export function counted(number, noun) {
  return `${number.toLocaleString("en")} ${number === 1 ? noun.one : noun.many}`;
}
