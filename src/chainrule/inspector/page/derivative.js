/** Derivatives of expressions by the cells that they read, by going back through the tree. */

import { evaluate, partsOf } from "./expressions.js";

/**
 * @typedef {import("./expressions.js").Expression} Expression
 * @typedef {import("./rules.js").Read} Read
 */

/** The partial derivatives of functions that are known by their names.
 * @type {Record<string, (...inputs: number[]) => number[]>} */
const PARTIALS = {
  exp: (x) => [Math.exp(x)],
  log: (x) => [1 / x],
  ln: (x) => [1 / x],
  sqrt: (x) => [0.5 / Math.sqrt(x)],
  abs: (x) => [Math.sign(x)],
  sign: () => [0],
  max: (...inputs) => first(inputs, Math.max(...inputs)),
  min: (...inputs) => first(inputs, Math.min(...inputs)),
};

/** 1 for the first of the inputs that is a value, 0 for the others.
 * @param {number[]} inputs @param {number} value */
function first(inputs, value) {
  const chosen = inputs.indexOf(value);
  return inputs.map((_, k) => (k === chosen ? 1 : 0));
}

/** How a function moves with each of its inputs. Of one whose derivative is not known it is found by
 * differences of sixth order, to about 12 digits where the function is smooth.
 * @param {import("./expressions.js").Call} one @param {number[]} inputs @returns {number[]} */
function partials({ name, f, slope }, inputs) {
  if (slope) return [slope(inputs[0])];
  if (name.startsWith("[")) return inputs.map(() => 0);
  if (name in PARTIALS) return PARTIALS[name](...inputs);
  return inputs.map((x, k) => {
    const h = 2e-3 * Math.max(1, Math.abs(x));
    const difference = (/** @type {number} */ n) =>
      f(...inputs.with(k, x + n * h)) - f(...inputs.with(k, x - n * h));
    return (45 * difference(1) - 9 * difference(2) + difference(3)) / (60 * h);
  });
}

/** The derivative of an expression by every cell that it reads.
 * @param {Expression} one @param {Read} read
 * @param {(key: string, at: import("./arrays.js").Place, partial: number) => void} found is called for
 *   each time a cell occurs; the derivative by a cell is the sum of what it is called with
 * @param {(key: string, at: import("./arrays.js").Place) => boolean} [wanted] which cells
 * @returns {void} */
export function derivatives(one, read, found, wanted = () => true) {
  /** @type {Map<Expression, boolean>} */
  const carries = new Map();
  /** @param {Expression} part @returns {boolean} */
  const mark = (part) => {
    const any =
      part.kind === "cell" ? wanted(part.key, part.at) : partsOf(part).map(mark).some(Boolean);
    carries.set(part, any);
    return any;
  };
  const value = (/** @type {Expression} */ part) => evaluate(part, read);
  /** @param {Expression} part @param {number} weight */
  const back = (part, weight) => {
    if (!carries.get(part)) return;
    if (part.kind === "cell") found(part.key, part.at, weight);
    else
      for (const [inner, partial] of localPartials(part, value, carries))
        back(inner, weight * partial);
  };
  mark(one);
  back(one, 1);
}

/** The parts of an expression that carry a wanted cell, each with how the expression moves with it.
 * @param {Expression} one @param {(part: Expression) => number} value
 * @param {Map<Expression, boolean>} carries @returns {[Expression, number][]} */
function localPartials(one, value, carries) {
  switch (one.kind) {
    case "sum":
      return one.terms.map((term) => [term, 1]);
    case "negative":
      return [[one.of, -1]];
    case "product":
      return one.factors.flatMap((factor, k) => {
        if (!carries.get(factor)) return [];
        const others = one.factors.filter((_, n) => n !== k);
        return [[factor, others.reduce((all, other) => all * value(other), 1)]];
      });
    case "quotient": {
      const under = value(one.under);
      return [
        [one.over, 1 / under],
        ...(carries.get(one.under)
          ? /** @type {[Expression, number][]} */ ([[one.under, -value(one.over) / under ** 2]])
          : []),
      ];
    }
    case "power": {
      const [base, exponent] = [value(one.base), value(one.exponent)];
      return [
        [one.base, exponent * base ** (exponent - 1)],
        [one.exponent, Math.log(base) * base ** exponent],
      ];
    }
    case "call":
      return partials(one, one.inputs.map(value)).map((partial, k) => [one.inputs[k], partial]);
    default:
      return [];
  }
}

/** The derivative of an expression by one cell.
 * @param {Expression} one @param {{key: string, at: import("./arrays.js").Place}} by
 * @param {Read} read @returns {number} */
export function derivative(one, by, read) {
  let total = 0;
  const wanted = (/** @type {string} */ key, /** @type {number[]} */ at) =>
    key === by.key && at.every((place, axis) => place === by.at[axis]);
  derivatives(
    one,
    read,
    (_key, _at, partial) => {
      total += partial;
    },
    wanted,
  );
  return total;
}
