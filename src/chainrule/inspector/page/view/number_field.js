/** A field for a number, which is also changed by arrow keys, by the wheel, and by dragging. */

import { numberIn } from "../csv.js";
import { make } from "../dom.js";

/**
 * @typedef {import("../main.js").App} App
 * @typedef {import("./edit.js").Editable} Editable
 * @typedef {{shiftKey: boolean, altKey: boolean}} Held  keys that are held
 */

const PIXELS_A_STEP = 4;
const REST = 1000; // milliseconds after which steps are of another stroke, undone by itself

/** A sensible step: a tenth of the power of ten of the array's largest number.
 * @param {number} largest */
const stepFor = (largest) => (largest > 0 ? 10 ** (Math.floor(Math.log10(largest)) - 1) : 0.1);

/** @param {number} value */
const fieldText = (value) => String(Number(value.toPrecision(8))).replaceAll("-", "−");

/** @param {Held} held */
const stepsFor = ({ shiftKey, altKey }) => (shiftKey ? 10 : altKey ? 0.1 : 1);

/** The field of the number in the bar, in the network's unit or in the user's. */
export class NumberField {
  /** @param {App} app @param {string} label @param {boolean} inUnit
   * @param {() => Editable | null} current @param {HTMLElement} problem where it says what is wrong */
  constructor(app, label, inUnit, current, problem) {
    this.app = app;
    this.inUnit = inUnit;
    this.current = current;
    this.problem = problem;
    this.strokes = 0;
    this.timer = 0;
    this.from = 0;
    this.isTyped = false;
    this.element = make("input", {
      type: "text",
      inputmode: "decimal",
      class: "number",
      size: 10,
      autocomplete: "off",
      "aria-label": label,
      "aria-describedby": problem.id,
      title:
        "Type a number and press Enter; arrow keys, the wheel and dragging change it by steps (e)",
      on: {
        input: () => {
          this.isTyped = true;
        },
        change: () => this.enter(),
        keydown: (/** @type {KeyboardEvent} */ event) => this.press(event),
      },
    });
    this.listen();
  }

  /** How the number is shown. @param {Editable} one @returns {string} */
  text({ value, unit }) {
    return fieldText(this.inUnit && unit ? value * unit.scale + unit.mean : value);
  }

  show() {
    const one = this.current();
    this.element.hidden = !one;
    if (one) this.element.value = this.text(one);
    this.complain("");
  }

  /** @param {string} sentence */
  complain(sentence) {
    this.element.setAttribute("aria-invalid", String(sentence !== ""));
    this.problem.textContent = sentence;
  }

  /** Take what is typed. */
  enter() {
    const one = this.current();
    const { value } = this.element;
    if (!one || value === this.text(one)) return;
    const shown = numberIn(value);
    if (!Number.isFinite(shown)) {
      return this.complain(`“${value}” is no number, such as −0.5 or 2e−3.`);
    }
    this.complain("");
    const { unit } = one;
    const edit = one.edit(this.inUnit && unit ? (shown - unit.mean) / unit.scale : shown);
    this.app.history.edit([edit]);
  }

  /** Change the number by so many steps. @param {number} steps */
  move(steps) {
    const one = this.current();
    if (!one) return;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.strokes++, REST);
    const step = stepFor(this.app.pass.levels(one.key).largest) * steps;
    one.value = Number((one.value + step).toPrecision(12));
    this.element.value = this.text(one);
    this.app.history.edit([one.edit(one.value)], `${this.inUnit} ${this.strokes}`);
  }

  /** @param {KeyboardEvent} event */
  press(event) {
    const { key } = event;
    const isUndo = (event.ctrlKey || event.metaKey) && /^[zy]$/i.test(key) && !this.isTyped;
    if (key === "Enter") this.enter();
    else if (key === "ArrowUp") this.move(stepsFor(event));
    else if (key === "ArrowDown") this.move(-stepsFor(event));
    else if (isUndo && /z/i.test(key) && !event.shiftKey) this.app.history.undo();
    else if (isUndo) this.app.history.redo();
    else {
      if (key === "Escape") this.show(); // as it was; the keys of the page leave the field
      return;
    }
    this.isTyped = false;
    event.preventDefault();
  }

  /** Steps by the wheel, while the field has the focus, and by dragging, while it has not. */
  listen() {
    const { element } = this;
    element.addEventListener("wheel", (event) => {
      if (document.activeElement !== element) return;
      event.preventDefault();
      this.move(event.deltaY < 0 ? stepsFor(event) : -stepsFor(event));
    });
    element.addEventListener("pointerdown", (event) => {
      if (document.activeElement === element) return; // there a drag selects text
      this.from = event.clientX;
      this.strokes++;
      element.setPointerCapture(event.pointerId);
    });
    element.addEventListener("pointermove", (event) => {
      const steps = Math.trunc((event.clientX - this.from) / PIXELS_A_STEP);
      if (!steps || !element.hasPointerCapture(event.pointerId)) return;
      this.from += steps * PIXELS_A_STEP;
      this.move(steps * stepsFor(event));
    });
    element.addEventListener("lostpointercapture", () => this.strokes++);
  }
}
