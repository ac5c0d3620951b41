/** The keys of the whole page in one place: every part binds its own here, and the help lists them. */

/**
 * @typedef {Object} Binding
 * @property {string[]} keys such as "n", "ArrowRight", "Ctrl+z", "Shift+ArrowLeft"
 * @property {string} group the heading in the help
 * @property {string} says what it does, for the help
 * @property {(event: KeyboardEvent) => void} run
 * @property {Element} [within] holds only while the focus is in this element, and goes first
 */

/** The name of what was pressed, as bindings spell it.
 * @param {KeyboardEvent} event @returns {string} */
function pressed(event) {
  const { key, ctrlKey, metaKey, altKey, shiftKey } = event;
  const shift = shiftKey && (key.length > 1 || ctrlKey || metaKey);
  const name = (ctrlKey || metaKey) && key.length === 1 ? key.toLowerCase() : key;
  return `${ctrlKey || metaKey ? "Ctrl+" : ""}${altKey ? "Alt+" : ""}${shift ? "Shift+" : ""}${name}`;
}

/** Whether an element takes a key itself: a field or a list.
 * @param {EventTarget | null} target @param {string} key @returns {boolean} */
function takesKeys(target, key) {
  if (!(target instanceof HTMLElement)) return false;
  if (target instanceof HTMLInputElement && target.type === "range") return key.length > 1;
  if (target instanceof HTMLInputElement) return !["checkbox", "button"].includes(target.type);
  return target.isContentEditable || ["SELECT", "TEXTAREA"].includes(target.tagName);
}

/** Calls what is bound to a key. */
export class Keys {
  constructor() {
    /** @type {Binding[]} */
    this.bindings = [];
    /** Whether keys of a single sign count; who dictates to the page turns them off. */
    this.single = true;
    /** Which field a key has led to, and from where. @type {{to: Element, from: Element | null} | null} */
    this.visit = null;
    document.addEventListener("keydown", (event) => this.press(event));
  }

  /** Bind keys; in the page each key does one thing, and within an element one.
   * @param {Binding} binding */
  bind(binding) {
    const taken = this.bindings.find(
      (one) => one.within === binding.within && one.keys.some((key) => binding.keys.includes(key)),
    );
    if (taken) throw new Error(`${binding.keys} for ${binding.says}: taken by ${taken.says}`);
    this.bindings.push(binding);
  }

  /** Lead to a field; Escape leads back to where one was.
   * @param {HTMLElement} field */
  lead(field) {
    this.visit = { to: field, from: document.activeElement };
    field.focus();
    if (field instanceof HTMLInputElement) field.select();
  }

  /** Leave a field.
   * @param {HTMLElement} field */
  leave(field) {
    const from = this.visit?.to === field ? this.visit.from : null;
    this.visit = null;
    field.blur();
    if (from instanceof HTMLElement) from.focus();
  }

  /** @param {KeyboardEvent} event */
  press(event) {
    if (event.defaultPrevented || event.isComposing) return;
    const { target } = event;
    const element = target instanceof Element ? target : document.body;
    const isInDialog = element.closest("dialog") !== null;
    if (takesKeys(target, event.key)) {
      if (event.key === "Escape" && !isInDialog) this.leave(/** @type {HTMLElement} */ (target));
      return;
    }
    if (isInDialog && event.key !== "?") return;
    const name = pressed(event);
    if (name.length === 1 && !this.single) return;
    const fitting = this.bindings.filter((one) => one.keys.includes(name));
    const binding =
      fitting.find((one) => one.within?.contains(element)) ?? fitting.find((one) => !one.within);
    if (!binding) return;
    event.preventDefault();
    binding.run(event);
  }
}
