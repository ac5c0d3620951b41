/** Elements of the page, made without HTML in strings, and the live region. */

/**
 * @typedef {Object} Properties
 * @property {string} [class]
 * @property {string} [text] what it says
 * @property {Record<string, (event: any) => void>} [on] listeners by the event's name
 *
 * @typedef {Properties & {[attribute: string]: any}} Attributes  any other property is an attribute;
 *   true is one without a value, and false, null and undefined are none
 */

/** An element of HTML.
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag @param {Attributes} [attributes]
 * @param {...(Node | string | null)} children @returns {HTMLElementTagNameMap[Tag]} */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  const { class: classes, text, on, ...others } = attributes;
  if (classes) element.className = classes;
  if (text !== undefined) element.textContent = text;
  for (const [name, listener] of Object.entries(on ?? {}))
    element.addEventListener(name, listener);
  for (const [name, value] of Object.entries(others)) {
    if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined)
      element.setAttribute(name, String(value));
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

/** A table with a row of headers, "" for none, that is scrolled where it is too wide.
 * @param {string} classes @param {string[]} heads @param {HTMLElement[]} rows
 * @param {HTMLElement} [caption] @returns {HTMLElement} */
export function tableWith(classes, heads, rows, caption) {
  const top = heads.map((text) => (text ? make("th", { scope: "col", text }) : make("td")));
  const table = make("table", { class: classes }, caption ?? null);
  table.append(make("thead", {}, make("tr", {}, ...top)), make("tbody", {}, ...rows));
  return make("div", { class: "scrolls" }, table);
}

/** A button that says a text, with a longer text as its tooltip.
 * @param {string} text @param {string} title @param {(event: any) => void} run
 * @param {Attributes} [attributes] @returns {HTMLButtonElement} */
export function button(text, title, run, attributes = {}) {
  return make("button", { type: "button", text, title, ...attributes, on: { click: run } });
}

/** Put other parts into an element; the focus, if it was there, goes to the control that says the same,
 * or else to the heading.
 * @param {HTMLElement} element @param {Node[]} parts */
export function refill(element, parts) {
  const focused = document.activeElement;
  const had = element.contains(focused);
  element.replaceChildren(...parts);
  if (!had) return;
  /** @type {NodeListOf<HTMLElement>} */
  const controls = element.querySelectorAll("button, select");
  const isSame = (/** @type {HTMLElement} */ one) =>
    one.tagName === focused?.tagName &&
    (one.tagName === "SELECT" || one.textContent === focused.textContent) &&
    !one.matches(":disabled");
  /** @type {HTMLElement | null} */
  const heading = element.querySelector("h2, h3");
  heading?.setAttribute("tabindex", "-1");
  ([...controls].find(isSame) ?? heading ?? controls[0])?.focus();
}

/** A row of buttons that is one stop for Tab; the arrow keys go from one to the next.
 * @param {string} label @param {HTMLElement[]} items @param {Attributes} [attributes]
 * @returns {HTMLElement} */
export function oneStop(label, items, attributes) {
  const row = make("div", { role: "toolbar", "aria-label": label, ...attributes }, ...items);
  const stopAt = (/** @type {EventTarget | null} */ one) => {
    for (const each of items) each.tabIndex = each === one ? 0 : -1;
  };
  stopAt(items[0]);
  row.addEventListener("focusin", ({ target }) => stopAt(target));
  row.addEventListener("keydown", (event) => {
    const by = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (!by) return;
    event.preventDefault();
    items[items.indexOf(/** @type {any} */ (event.target)) + by]?.focus();
  });
  return row;
}

/** A function that runs once after the next frame is drawn, however often it is called before: what
 * follows a key or a click must not keep the picture waiting.
 * @param {() => void} run @returns {() => void} */
export function afterFrame(run) {
  let waits = false;
  return () => {
    if (waits) return;
    waits = true;
    requestAnimationFrame(() =>
      setTimeout(() => {
        waits = false;
        run();
      }),
    );
  };
}

/** Let the keyboard reach the parts of an element that are wider than they may be, to scroll them.
 * @param {HTMLElement} within @param {string} selector */
export function reachWide(within, selector) {
  for (const one of within.querySelectorAll(selector)) {
    const isWide = one.scrollWidth > one.clientWidth;
    if (isWide) one.setAttribute("tabindex", "0");
    else one.removeAttribute("tabindex");
  }
}

/** Have a sentence spoken by a screen reader.
 * @param {string} sentence */
export function say(sentence) {
  const status = document.getElementById("status");
  if (status) status.textContent = sentence;
}

/** Whether the user asks for less motion. @returns {boolean} */
export const wantsStillness = () => matchMedia("(prefers-reduced-motion: reduce)").matches;
