/**
 * Formulas as trees: what an operation computes for one cell, from which cells.
 *
 * The same tree is shown as a rule (with names) and with the numbers put in, lights up the cells
 * that it reads, and is evaluated in tests against what was computed.
 *
 * @typedef {import("./arrays.js").Place} Place
 * @typedef {{kind: "cell", key: string, at: Place, labels?: (string | null)[]}} Cell  a number of an
 *   array of the pass; in a general rule with letters for some of its indices, such as i + p − 1
 * @typedef {{kind: "constant", value: number, name?: string}} Constant  such as 2, or N, η, ε by name
 * @typedef {{kind: "sum", terms: Expression[], index?: string, upTo?: number}} Sum  in a general rule
 *   the one term stands for all, of index 1 to upTo
 * @typedef {{kind: "product", factors: Expression[]}} Product
 * @typedef {{kind: "quotient", over: Expression, under: Expression}} Quotient
 * @typedef {{kind: "power", base: Expression, exponent: Expression}} Power
 * @typedef {{kind: "negative", of: Expression}} Negative
 * @typedef {{kind: "call", name: string, inputs: Expression[], f: (...x: number[]) => number,
 *   slope?: (x: number) => number}} Call  a function by its name as MathML shows it, such as tanh, σ,
 *   exp, max, φ′; of one input its slope, where it is known
 * @typedef {Cell | Constant | Sum | Product | Quotient | Power | Negative | Call} Expression
 */

/** @param {string} key @param {Place} at @returns {Cell} */
export const cell = (key, at) => ({ kind: "cell", key, at });

/** @param {number} value @param {string} [name] @returns {Constant} */
export const constant = (value, name) => ({ kind: "constant", value, name });

/** A sum; `index` names what its terms are counted by, for the short rule with Σ.
 * @param {Expression[]} terms @param {string} [index] @returns {Sum} */
export const sum = (terms, index) => ({ kind: "sum", terms, index });

/** @param {...Expression} factors @returns {Product} */
export const product = (...factors) => ({ kind: "product", factors });

/** @param {Expression} over @param {Expression} under @returns {Quotient} */
export const quotient = (over, under) => ({ kind: "quotient", over, under });

/** @param {Expression} base @param {Expression} exponent @returns {Power} */
export const power = (base, exponent) => ({ kind: "power", base, exponent });

/** @param {Expression} of @returns {Negative} */
export const negative = (of) => ({ kind: "negative", of });

/** @param {string} name @param {(...x: number[]) => number} f @param {...Expression} inputs
 * @returns {Call} */
export const call = (name, f, ...inputs) => ({ kind: "call", name, inputs, f });

/** A function of one number whose slope is known, so that paths through it are exact.
 * @param {string} name @param {(x: number) => number} f @param {(x: number) => number} slope
 * @param {Expression} input @returns {Call} */
export const curve = (name, f, slope, input) => ({
  kind: "call",
  name,
  inputs: [input],
  f,
  slope,
});

/** The parts of which an expression is made.
 * @param {Expression} one @returns {Expression[]} */
export function partsOf(one) {
  switch (one.kind) {
    case "sum":
      return one.terms;
    case "product":
      return one.factors;
    case "quotient":
      return [one.over, one.under];
    case "power":
      return [one.base, one.exponent];
    case "negative":
      return [one.of];
    case "call":
      return one.inputs;
    default:
      return [];
  }
}

/** An expression with other parts in place of its own.
 * @param {Expression} one @param {(part: Expression) => Expression} into @returns {Expression} */
export function withParts(one, into) {
  switch (one.kind) {
    case "sum":
      return { ...one, terms: one.terms.map(into) };
    case "product":
      return { ...one, factors: one.factors.map(into) };
    case "quotient":
      return { ...one, over: into(one.over), under: into(one.under) };
    case "power":
      return { ...one, base: into(one.base), exponent: into(one.exponent) };
    case "negative":
      return { ...one, of: into(one.of) };
    case "call":
      return { ...one, inputs: one.inputs.map(into) };
    default:
      return one;
  }
}

/** The cells that an expression reads, from the first to the last; the gradient of a filter reads
 * thousands, so that no generator calls another.
 * @param {Expression} one @returns {Generator<Cell>} */
export function* cellsOf(one) {
  const left = [one];
  for (let part = left.pop(); part; part = left.pop()) {
    if (part.kind === "cell") yield part;
    else for (const inner of partsOf(part).toReversed()) left.push(inner);
  }
}

/** The cells that an expression reads, each once.
 * @param {Expression} one @returns {Cell[]} */
export const cellsOnce = (one) => [
  ...new Map([...cellsOf(one)].map((each) => [`${each.key} ${each.at}`, each])).values(),
];

/** The value of an expression.
 * @param {Expression} one @param {(key: string, at: Place) => number} read @returns {number} */
export function evaluate(one, read) {
  const value = (/** @type {Expression} */ part) => evaluate(part, read);
  switch (one.kind) {
    case "cell":
      return read(one.key, one.at);
    case "constant":
      return one.value;
    case "sum":
      return one.terms.reduce((total, term) => total + value(term), 0);
    case "product":
      return one.factors.reduce((all, factor) => all * value(factor), 1);
    case "quotient":
      return value(one.over) / value(one.under);
    case "power":
      return value(one.base) ** value(one.exponent);
    case "negative":
      return -value(one.of);
    case "call":
      return one.f(...one.inputs.map(value));
  }
}

/** The addends of an expression: those of a sum, else itself alone.
 * @param {Expression} one @returns {Expression[]} */
export function addends(one) {
  return one.kind === "sum" ? one.terms.flatMap(addends) : [one];
}
