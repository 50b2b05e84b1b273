/** A text field that searches as one types: an editable combobox with a list (ARIA 1.2). */

import { element, say } from "./dom.js";

const PAUSE_MS = 120;

/**
 * Make a field search.
 *
 * `search(text)` resolves to options { id, label, detail }; `choose(option)` is called with the one
 * taken; `nothing(text)` is what the list says where there is none.
 */
export function combobox(input, { search, choose, nothing }) {
  const list = input.nextElementSibling;
  let options = []; // for the text that was found, which the field may be ahead of
  let found = null;
  let active = -1;
  let timer = 0;
  let asked = 0;

  const isOpen = () => !list.hidden;

  function close() {
    clearTimeout(timer);
    asked += 1; // an answer still on its way is for nobody
    list.hidden = true;
    activate(-1);
    input.setAttribute("aria-expanded", "false");
  }

  function activate(index) {
    list.children[active]?.setAttribute("aria-selected", "false");
    active = index;
    const option = index < 0 ? undefined : list.children[index];
    option?.setAttribute("aria-selected", "true");
    option?.scrollIntoView({ block: "nearest" });
    if (option) input.setAttribute("aria-activedescendant", option.id);
    else input.removeAttribute("aria-activedescendant");
  }

  function take(index) {
    const option = options[index];
    close();
    choose(option);
  }

  async function look() {
    const mine = ++asked;
    const text = input.value.trim();
    try {
      const answer = await search(text);
      if (mine !== asked) return;
      [options, found] = [answer, text];
    } catch (error) {
      if (mine === asked) show([empty(error.message)], error.message);
      return;
    }
    const none = nothing(text);
    if (options.length) show(options.map(row), `${options.length} found`);
    else show([empty(none)], none);
  }

  function show(elements, told) {
    active = -1;
    input.removeAttribute("aria-activedescendant");
    list.replaceChildren(...elements);
    say(told);
    list.hidden = false;
    input.setAttribute("aria-expanded", "true");
  }

  function row({ label, detail }, index) {
    const properties = { id: `${list.id}-${index}`, role: "option", "aria-selected": "false" };
    const made = element("li", properties, element("span", {}, label), element("small", {}, detail));
    made.addEventListener("pointerdown", (event) => {
      event.preventDefault(); // the field keeps the focus
      take(index);
    });
    return made;
  }

  function empty(text) {
    return element("li", { className: "empty", role: "option", "aria-disabled": "true" }, text);
  }

  const soon = () => {
    clearTimeout(timer);
    timer = setTimeout(look, PAUSE_MS);
  };
  const enter = async () => {
    clearTimeout(timer);
    if (!isOpen() || found !== input.value.trim()) await look();
    if (isOpen() && options.length) take(Math.max(active, 0));
  };
  const move = (step) => {
    if (!isOpen()) look();
    else if (options.length) activate((active + step + options.length) % options.length);
  };
  const keys = {
    ArrowDown: () => move(1),
    ArrowUp: () => move(active < 0 ? 0 : -1),
    Enter: enter,
    Escape: close,
  };

  input.addEventListener("input", soon);
  input.addEventListener("click", () => isOpen() || look());
  input.addEventListener("blur", close);
  input.addEventListener("keydown", (event) => {
    if (!keys[event.key]) return;
    event.preventDefault();
    keys[event.key]();
  });
}
