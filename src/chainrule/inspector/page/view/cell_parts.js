/** What several views say of a cell: its name as a button, its number, bars, and its equation. */

import { button, make } from "../dom.js";
import { cell, evaluate } from "../expressions.js";
import { choose } from "../going.js";
import { isHidden } from "../hidden.js";
import { formula, mathNumber, mathOf, mathOfAddends, textOf } from "../math.js";
import { nameText, userName } from "../names.js";
import { numberText } from "../numbers.js";
import { fittedDigits, generalRule, namedParts, shortened } from "../rules.js";
import { infoOf } from "../scene.js";
import { inOwnUnits } from "../units.js";

/**
 * @typedef {import("../main.js").App} App
 * @typedef {import("../store.js").ChosenCell} ChosenCell
 * @typedef {import("../rules.js").Read} Read
 * @typedef {import("../expressions.js").Expression} Expression
 */

/** The case whose index need not be said beside a cell: its own.
 * @param {App} app @param {ChosenCell} chosen @returns {number | null} */
export const caseOf = (app, { key, at }) => (infoOf(app.pass.scene, key)?.cases ? at[0] : null);

/** A cell's name in MathML.
 * @param {App} app @param {ChosenCell} one @param {number | null} ownCase @returns {Element} */
export const cellMath = (app, { key, at }, ownCase) =>
  mathOf(cell(key, at), { scene: app.pass.scene, ownCase, digits: 4 });

/** What the user calls a number, and what it is in their own units; "" where it has no such name.
 * @param {App} app @param {ChosenCell} one @param {number | undefined} value @returns {string} */
export function ownWords(app, { key, at }, value) {
  const { scene } = app.pass;
  const unscaled =
    value === undefined || isHidden(app, key, at) ? null : inOwnUnits(scene, key, at, value);
  const text = unscaled === null ? "" : numberText(unscaled);
  return [userName(scene, key, at), text].filter(Boolean).join(" ");
}

/** A button with a cell's name, which lights it up and goes to it.
 * @param {App} app @param {ChosenCell} one @param {number | null} ownCase @returns {HTMLElement} */
export function cellButton(app, one, ownCase) {
  const { scene } = app.pass;
  const own = ownWords(app, one, app.pass.read(one.key, one.at));
  const made = button("", infoOf(scene, one.key)?.says ?? "", () => choose(app, one), {
    class: "cell",
    "aria-label": `${nameText(scene, one.key, one.at, ownCase)}${own ? `, ${own}` : ""}`,
  });
  made.append(formula(cellMath(app, one, ownCase)));
  if (own) made.append(make("span", { class: "own", text: `(${own})` }));
  lightsUp(app, made, one);
  return made;
}

/** Have a cell lit up while the pointer or the focus is on an element.
 * @param {App} app @param {HTMLElement} element @param {ChosenCell} one */
export function lightsUp(app, element, one) {
  const on = () => app.store.set({ hovered: one });
  const off = () => app.store.set({ hovered: null });
  element.addEventListener("pointerenter", on);
  element.addEventListener("pointerleave", off);
  element.addEventListener("focus", on);
  element.addEventListener("blur", off);
}

/** A bar for a signed number.
 * @param {number} value @param {number} largest the size of a whole bar @returns {HTMLElement} */
export function bar(value, largest) {
  const share = largest > 0 && Number.isFinite(value) ? Math.abs(value) / largest : 0;
  const fill = make("span", { class: value < 0 ? "fill negative" : "fill positive" });
  fill.style.width = `${50 * Math.min(1, share)}%`;
  return make("span", { class: "bar", "aria-hidden": "true" }, fill);
}

/** The general rule of an operation, as formulas between which a line may break; that of the cell
 * itself where there is no pattern.
 * @param {App} app @param {import("../operations/operations.js").Operation} operation
 * @param {import("../arrays.js").Place} at @param {Read} read @returns {HTMLElement} */
export function ruleOf(app, operation, at, read) {
  const { scene } = app.pass;
  const info = infoOf(scene, operation.target);
  const manner = { scene, ownCase: info?.cases ? at[0] : null, digits: 4 };
  const found = generalRule(operation, at, info?.shape ?? [], info?.cases ?? false);
  const result = found?.result ?? cell(operation.target, at);
  const rule = found?.rule ?? shortened(operation.expression(at), read, 3);
  const [first, ...others] = mathOfAddends(rule, manner);
  const parts = [formula(mathOf(result, manner), "=", ...first.childNodes), ...others];
  return make("div", { class: "rule" }, ...parts.flatMap((part) => [part, " "]));
}

/** What the functions and constants in a rule are, as far as there is a word for them.
 * @param {App} app @param {import("../operations/operations.js").Operation} operation
 * @param {Expression} rule @returns {string} */
export function meanings(app, operation, rule) {
  const { words, loss, layers } = app.pass.scene;
  const layer = layers.find(({ name }) => name === operation.layer);
  const options = { ...loss, ...layer?.activation };
  const found = [];
  for (const one of namedParts(rule).values()) {
    const name = "name" in one ? (one.name ?? "") : "";
    const says = words[`${layer?.type} ${name}`] ?? words[name];
    if (!says) continue;
    const text = says.replace(/\b(alpha|slope|delta)\b/g, (option) => options[option]);
    found.push(one.kind === "constant" ? `${name} = ${numberText(one.value)}, ${text}` : text);
  }
  return found.length ? `${found.join("; ")}.` : "";
}

/** The equation of a cell: with the names of its own terms, with the numbers put in, and the result.
 * @param {App} app @param {import("../operations/operations.js").Operation} operation
 * @param {import("../arrays.js").Place} at @param {Read} read
 * @param {boolean} [withResult] false where the result is to be predicted
 * @returns {{element: HTMLElement, text: string}} */
export function equation(app, operation, at, read, withResult = true) {
  const { scene } = app.pass;
  const target = cell(operation.target, at);
  const ownCase = caseOf(app, target);
  const recorded = read(operation.target, at);
  const short = shortened(operation.expression(at), read);
  const found = evaluate(short, read);
  const isWrong =
    Math.abs(found - recorded) > 1e-8 * Math.max(Math.abs(found), Math.abs(recorded), 1e-9);
  const value = isWrong ? found : recorded;
  const { numbers, digits, result, exact } = fittedDigits(short, read, value);
  const manner = { scene, ownCase, digits };
  const equal = exact ? "=" : "≈";
  /** @type {[string, Element[]][]} */
  const lines = [["=", mathOfAddends(short, manner)]];
  if (short.kind !== "cell" || !withResult) lines.push(["=", mathOfAddends(numbers, manner)]);
  if (withResult) lines.push([equal, [formula(mathNumber(value, result))]]);
  const rows = lines.map(([sign, right], k) =>
    make(
      "div",
      { class: withResult && k === lines.length - 1 ? "line result" : "line" },
      k ? make("span") : formula(mathOf(target, manner)),
      formula(sign),
      make("span", { class: "put" }, ...right.flatMap((part) => [part, " "])),
    ),
  );
  if (isWrong && withResult) {
    const said = `The wrong rule that is planted gives ${numberText(recorded, 5)} instead.`;
    rows.push(make("p", { class: "wrong instead", text: said }));
  }
  const text = [
    `${textOf(target, manner)} = ${textOf(short, manner)}`,
    `= ${textOf(numbers, manner)}`,
    `${equal} ${numberText(value, result)}`,
  ].join("\n");
  return { element: make("div", { class: "equation" }, ...rows), text };
}

/** The terms of which an expression is made: those of its largest sum, else itself.
 * @param {Expression} one @returns {Expression[]} */
export function termsOf(one) {
  const own = flattened(one);
  if (own.length > 1) return own;
  const inner = own.flatMap((term) =>
    term.kind === "product" ? term.factors.map(flattened) : [],
  );
  const longest = inner.reduce((most, terms) => (terms.length > most.length ? terms : most), own);
  return longest;
}

/** @param {Expression} one @returns {Expression[]} */
const flattened = (one) => (one.kind === "sum" ? one.terms.flatMap(flattened) : [one]);
