/** The bar in which the chosen number, the class of a target, and the activation of a layer are
 * changed; everything follows at once. */

import { button, make, say } from "../dom.js";
import { nameText, userName } from "../names.js";
import { numberText } from "../numbers.js";
import { infoOf } from "../scene.js";
import { unitAt } from "../units.js";
import { activationChoice, classChoice } from "./choices.js";
import { mountNudge } from "./nudge.js";
import { NumberField } from "./number_field.js";

/**
 * @typedef {import("../main.js").App} App
 * @typedef {import("../arrays.js").Place} Place
 * @typedef {import("../store.js").Edit} Edit
 * @typedef {import("../store.js").ChosenCell} ChosenCell
 *
 * @typedef {Object} Editable  the number in the bar
 * @property {string} key the array that it is in
 * @property {Place} at its place in the pass
 * @property {number} value
 * @property {(value: number) => Edit} edit that puts a number in its place
 * @property {ChosenCell | null} gradient where the derivative of the loss by it stands
 * @property {{mean: number, scale: number} | null} unit by which it was scaled
 * @property {boolean} isParameter
 */

/** The number that a chosen cell stands for and that can be edited: a parameter (also by its gradient
 * or its new value), an input, or a target; null for others.
 * @param {App} app @param {ChosenCell | null} chosen @returns {Omit<Editable, "value"> | null} */
function editableAt(app, chosen) {
  const { scene } = app.pass;
  const info = chosen && infoOf(scene, chosen.key);
  if (!chosen || !info) return null;
  const { at } = chosen;
  const { alone, case_ } = app.store.view;
  const place = info.cases ? [alone ? case_ : at[0], ...at.slice(1)] : at;
  const base = chosen.key.replace(/_(grad|new)$/, "");
  if (infoOf(scene, base)?.role === "parameter") {
    const gradient = infoOf(scene, `${base}_grad`) ? { key: `${base}_grad`, at } : null;
    const edit = (/** @type {number} */ value) =>
      /** @type {Edit} */ ({ kind: "parameter", key: base, at, value });
    return { key: base, at, edit, gradient, unit: null, isParameter: true };
  }
  const kind = { "input.out": "input", "input.J": "input", "loss.t": "target" }[chosen.key];
  if (!kind) return null;
  const key = kind === "input" ? "input.out" : "loss.t";
  return {
    key,
    at,
    edit: (value) => /** @type {Edit} */ ({ kind, at: place, value }),
    gradient: kind === "input" ? { key: "input.J", at } : null,
    unit: unitAt(app.source.scene, key, at),
    isParameter: false,
  };
}

/** @param {App} app @param {HTMLElement} bar @param {HTMLElement} loss what the loss is, at its end */
export function mountEdit(app, bar, loss) {
  /** @type {Editable | null} */
  let editable = null;
  const current = () => editable;
  const name = make("span", { class: "what" });
  const was = make("span", { class: "was" });
  const problem = make("span", { class: "wrong", role: "alert", id: "edit-problem" });
  const field = new NumberField(app, "Value", false, current, problem);
  const unit = new NumberField(app, "Value in your unit", true, current, problem);
  const inUnit = make("label", { class: "unit" }, "= ", unit.element, " in your unit");
  const classes = classChoice(app);
  const activation = activationChoice(app);
  const nudge = nudgeOf(app, current);
  const show = async () => {
    const { pass } = app;
    const { chosen } = app.store.view;
    const found = await readEditable(app, chosen);
    if (pass !== app.pass || chosen !== app.store.view.chosen) return;
    const isMissing = found !== null && Number.isNaN(found.value) && !found.isParameter;
    editable = isMissing ? null : found;
    name.textContent = editable
      ? editedName(app, editable)
      : isMissing
        ? MISSING_NUMBER
        : NONE_TO_EDIT;
    was.textContent = editable ? wasBefore(app, editable) : "";
    for (const part of [field, unit, nudge, activation]) part.show();
    inUnit.hidden = !editable?.unit;
    field.element.hidden = !editable || (await classes.show(editable));
  };
  const group = "Cases and changes";
  const focus = () => {
    if (!editable) return say(NONE_TO_EDIT);
    app.keys.lead(field.element.hidden ? classes.list : field.element);
  };
  app.keys.bind({ keys: ["e"], group, says: "edit the chosen number", run: focus });
  const parts = [field.element, was, inUnit, classes.element, nudge.button, activation.element];
  bar.append(make("div", { class: "fields" }, name, ...parts, problem, loss), nudge.element);
  app.store.watch(["pass", "chosen", "operation", "alone", "case_"], show);
  app.store.watch(["refused"], ({ refused }) => field.complain(refused));
}

/** The number that a chosen cell stands for, loaded.
 * @param {App} app @param {ChosenCell | null} chosen @returns {Promise<Editable | null>} */
async function readEditable(app, chosen) {
  const { pass } = app;
  const found = editableAt(app, chosen);
  if (!found) return null;
  await pass.need([{ key: found.key, region: found.at }]);
  const value = pass.read(found.key, found.at);
  return value === undefined ? null : { ...found, value };
}

/** The nudge with the button that opens it.
 * @param {App} app @param {() => Editable | null} current */
function nudgeOf(app, current) {
  const element = make("div", { class: "nudge", id: "nudge", hidden: true });
  const fill = mountNudge(app, element, current);
  const open = (/** @type {boolean} */ isOpen) => {
    element.hidden = !isOpen || !current()?.gradient;
    opens.setAttribute("aria-expanded", String(!element.hidden));
    fill();
  };
  const toggle = () => open(element.hidden === true);
  const epsilon = /** @type {HTMLInputElement} */ (element.querySelector("input"));
  const says = "how the loss really moves, beside gradient × ε";
  const opens = button("Nudge", `H${says.slice(1)} (d)`, toggle, {
    "aria-expanded": "false",
    "aria-controls": element.id,
  });
  const run = () => {
    if (!current()?.gradient) return say("Choose a weight or an input first.");
    toggle();
    if (!element.hidden) app.keys.lead(epsilon);
  };
  app.keys.bind({ keys: ["d"], group: "Cases and changes", says, run });
  element.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    event.preventDefault();
    opens.focus();
    app.keys.leave(epsilon);
    open(false);
  });
  const show = () => {
    opens.hidden = !current()?.gradient;
    open(!element.hidden);
  };
  return { element, button: opens, show };
}

const NONE_TO_EDIT = "Choose a weight, an input or a target to change it.";
const MISSING_NUMBER =
  "There is no number here: the sequence has ended, or the step has no target.";

/** What the number is called, here and in the user's data.
 * @param {App} app @param {Editable} one */
function editedName(app, { key, at }) {
  const { scene } = app.pass;
  const own = userName(scene, key, at);
  const { alone, case_ } = app.store.view;
  return `${nameText(scene, key, at, alone ? 0 : case_)}${own ? ` ${own}` : ""}`;
}

/** What the number was before the last change, where that was another.
 * @param {App} app @param {Editable} one */
function wasBefore({ before }, { key, at, value }) {
  const old = before?.read(key, at);
  return old === undefined || old === value ? "" : `was ${numberText(old)}`;
}
