/**
 * How an operation says what one cell is: the general rule with Σ and letters, the rule with the
 * names of the cell's own terms, and the rule with the numbers put in.
 *
 * @typedef {import("./arrays.js").Place} Place
 * @typedef {import("./arrays.js").Region} Region
 * @typedef {import("./expressions.js").Expression} Expression
 * @typedef {import("./expressions.js").Cell} Cell
 * @typedef {import("./operations/operations.js").Operation} Operation
 * @typedef {(key: string, at: Place) => number} Read
 */
import { addends, cell, cellsOf, constant, evaluate, partsOf, withParts } from "./expressions.js";
import { EXACT, roundedTo } from "./numbers.js";

/** The general rule cannot be found from the cells: they do not follow one pattern. */
class NoPattern extends Error {}

/**
 * A letter for an index, with the tree in which it is larger by `step`.
 * @typedef {{letter: string, first: number, step: number, tree: Expression}} Probe
 */

/** Of so many cells at most it is tried how they move with the one that is computed. */
const MOST_PROBED = 4000;

const INDEX_LETTERS = [
  ["j", "i", "k", "l", "m"],
  ["i", "j", "k", "l", "m"],
  ["k", "i", "j", "l", "m"],
  ["l", "k", "i", "j", "m"],
];

/** The general rule of an operation, such as Σ_i x_i W_ij + b_j, found by how the cells that are read
 * move with the cell that is computed. At a border, where they do not follow the pattern of the
 * others, it is looked for in the middle of the array.
 * @param {Operation} operation @param {Place} at @param {number[]} shape @param {boolean} ofCases
 * @returns {{result: Cell, rule: Expression} | null} null where there is no pattern at all */
export function generalRule(operation, at, shape, ofCases) {
  const base = operation.expression(at);
  const size = [...cellsOf(base)].length;
  const middle = shape.map((n, axis) => (ofCases && !axis ? at[0] : Math.floor((n - 1) / 2)));
  for (const place of size > MOST_PROBED ? [] : [at, middle])
    for (const way of [1, -1]) {
      const found = ruleAround(operation, place, shape, ofCases, way);
      if (found) return found;
    }
  const rule = patternOrNull(base, []);
  return rule && { result: cell(operation.target, at), rule };
}

/** The rule in letters that the cells around a place follow; null where they follow none.
 * @param {Operation} operation @param {Place} at @param {number[]} shape @param {boolean} ofCases
 * @param {number} way in which direction of each axis the cells are looked at first
 * @returns {{result: Cell, rule: Expression} | null} */
function ruleAround(operation, at, shape, ofCases, way) {
  const base = operation.expression(at);
  const axes = shape.map((_, axis) => axis).filter((axis) => shape[axis] > 1);
  const free = ofCases ? axes.filter((axis) => axis > 0) : axes;
  const used = indicesOf(base);
  const letters = (INDEX_LETTERS[free.length - 1] ?? INDEX_LETTERS[3]).filter(
    (one) => !used.has(one),
  );
  const probes = free.slice(0, letters.length).map((axis, k) => {
    const inside = at[axis] + way >= 0 && at[axis] + way < shape[axis];
    const step = inside ? way : -way;
    const tree = operation.expression(at.with(axis, at[axis] + step));
    return { letter: letters[k], first: at[axis], step, tree };
  });
  const labels = shape.map((_, axis) => letters[free.indexOf(axis)] ?? null);
  const rule = patternOrNull(base, probes);
  if (!rule || !holdsFurther(operation, at, shape, free, probes)) return null;
  return { result: { ...cell(operation.target, at), labels }, rule };
}

/** Whether the cells go on to move as they do from one place to the next: any two places look as if
 * they followed a pattern. Where other arrays or fewer cells are read it is another rule's turn.
 * @param {Operation} operation @param {Place} at @param {number[]} shape
 * @param {number[]} free the axes of the probes @param {Probe[]} probes @returns {boolean} */
function holdsFurther(operation, at, shape, free, probes) {
  const base = [...cellsOf(operation.expression(at))];
  return probes.every(({ step, tree }, k) => {
    const axis = free[k];
    const next = [...cellsOf(tree)];
    const last = shape[axis] - 1;
    const places = [at[axis] - step, at[axis] + 2 * step, 0, Math.floor(last / 2), last];
    return places.every((place) => {
      const times = (place - at[axis]) / step;
      if (place < 0 || place > last || times === 0 || times === 1) return true;
      const cells = [...cellsOf(operation.expression(at.with(axis, place)))];
      if (cells.length !== base.length) return true;
      if (cells.some((one, n) => one.key !== base[n].key)) return true;
      return cells.every((one, n) =>
        one.at.every(
          (index, m) => index - base[n].at[m] === times * (next[n].at[m] - base[n].at[m]),
        ),
      );
    });
  });
}

/** @param {Expression} base @param {Probe[]} probes @returns {Expression | null} */
function patternOrNull(base, probes) {
  try {
    return pattern(base, probes);
  } catch (error) {
    if (error instanceof NoPattern) return null;
    throw error;
  }
}

/** The letters that the sums of an expression count by.
 * @param {Expression} one @param {Set<string>} [found] @returns {Set<string>} */
function indicesOf(one, found = new Set()) {
  if (one.kind === "sum") {
    if (one.index) found.add(one.index);
    if (one.index && one.terms.length) return indicesOf(one.terms[0], found);
  }
  for (const part of partsOf(one)) indicesOf(part, found);
  return found;
}

/** @param {Expression} base @param {Probe[]} probes @returns {Expression} */
function pattern(base, probes) {
  if (probes.some(({ tree }) => tree.kind !== base.kind)) throw new NoPattern();
  if (base.kind === "cell") return cellPattern(base, probes);
  if (base.kind === "constant") {
    const isSame = (/** @type {any} */ tree) => tree.value === base.value;
    if (!probes.every(({ tree }) => isSame(tree))) throw new NoPattern();
    return base;
  }
  if (base.kind === "sum" && base.index && base.terms.length > 1)
    return sigmaPattern(base, probes);
  const whole = base.kind === "call" ? { ...base, name: conditionPattern(base, probes) } : base;
  const parts = partsOf(base);
  const others = probes.map(({ tree }) => partsOf(tree));
  if (others.some((one) => one.length !== parts.length)) throw new NoPattern();
  let k = 0;
  return withParts(whole, (part) => {
    const own = probes.map((probe, n) => ({ ...probe, tree: others[n][k] }));
    k++;
    return pattern(part, own);
  });
}

/** A sum by its first term, once it is certain that the others follow from it.
 * @param {import("./expressions.js").Sum} base @param {Probe[]} probes @returns {Expression} */
function sigmaPattern(base, probes) {
  const { terms, index = "" } = base;
  const [first, second, last] = [terms[0], terms[1], terms[terms.length - 1]].map((term) => [
    ...cellsOf(term),
  ]);
  const follows = first.every((one, k) => {
    if (second[k]?.key !== one.key || last[k]?.key !== one.key) return false;
    return one.at.every(
      (place, axis) =>
        last[k].at[axis] - place === (second[k].at[axis] - place) * (terms.length - 1),
    );
  });
  if (!follows || second.length !== first.length) throw new NoPattern();
  const others = probes.map((probe) => {
    const tree = /** @type {import("./expressions.js").Sum} */ (probe.tree);
    if (tree.index !== index || tree.terms.length !== terms.length) throw new NoPattern();
    return { ...probe, tree: tree.terms[0] };
  });
  const own = { letter: index, first: 0, step: 1, tree: terms[1] };
  return { ...base, terms: [pattern(terms[0], [...others, own])], upTo: terms.length };
}

/** The name of a function; in a condition, such as [x = 3], a number that moves is a letter.
 * @param {import("./expressions.js").Call} base @param {Probe[]} probes @returns {string} */
function conditionPattern({ name }, probes) {
  const names = probes.map(({ tree }) => (tree.kind === "call" ? tree.name : ""));
  if (names.every((one) => one === name)) return name;
  const numberIn = (/** @type {string} */ text) => Number(/-?\d+/.exec(text)?.[0]);
  const [first] = probes.filter((_, k) => names[k] !== name);
  const times = (numberIn(names[probes.indexOf(first)]) - numberIn(name)) / first.step;
  if (times !== 1 || names.filter((one) => one !== name).length > 1) throw new NoPattern();
  const rest = numberIn(name) - first.first - 1;
  const more = rest ? `${rest < 0 ? "−" : "+"}${Math.abs(rest)}` : "";
  return name.replace(/-?\d+/, `${first.letter}${more}`);
}

/** A cell with letters for the indices that move.
 * @param {Cell} base @param {Probe[]} probes @returns {Cell} */
function cellPattern(base, probes) {
  const cells = probes.map(({ tree }) => /** @type {Cell} */ (tree));
  if (cells.some((one) => one.key !== base.key)) throw new NoPattern();
  const labels = base.at.map((place, axis) => {
    let rest = place + 1;
    let text = "";
    for (const [k, { letter, first, step }] of probes.entries()) {
      const times = (cells[k].at[axis] - place) / step;
      if (!Number.isInteger(times)) throw new NoPattern();
      if (!times) continue;
      rest -= times * (first + 1);
      const size = Math.abs(times) === 1 ? "" : String(Math.abs(times));
      text += `${times < 0 ? "−" : text ? "+" : ""}${size}${letter}`;
    }
    if (!text) return null;
    return rest ? `${text}${rest < 0 ? "−" : "+"}${Math.abs(rest)}` : text;
  });
  return { ...base, labels };
}

/** An expression in which long sums keep their largest terms, in order, and one number for the rest.
 * @param {Expression} one @param {Read} read @param {number} [most] terms of one sum
 * @returns {Expression} */
export function shortened(one, read, most = 6) {
  if (one.kind !== "sum" || !one.index) {
    return withParts(one, (part) => shortened(part, read, most));
  }
  const terms = addends(one);
  const kept = terms.length <= most + 1 ? terms : largestAndRest(terms, read, most);
  return { kind: "sum", terms: kept.map((term) => shortened(term, read, 3)) };
}

/** @param {Expression[]} terms @param {Read} read @param {number} most @returns {Expression[]} */
function largestAndRest(terms, read, most) {
  const values = terms.map((term) => evaluate(term, read));
  const order = values.map((_, k) => k).sort((a, b) => Math.abs(values[b]) - Math.abs(values[a]));
  const kept = order.slice(0, most).sort((a, b) => a - b);
  const rest = order.slice(most).reduce((total, k) => total + values[k], 0);
  return [...kept.map((k) => terms[k]), constant(rest, "…")];
}

/** The functions and the constants with names that an expression is made of, each once.
 * @param {Expression} one @param {Map<string, Expression>} [found]
 * @returns {Map<string, Expression>} */
export function namedParts(one, found = new Map()) {
  if (one.kind === "call" && !found.has(one.name)) found.set(one.name, one);
  if (one.kind === "constant" && one.name) found.set(`${one.name} ${one.value}`, one);
  for (const part of partsOf(one)) namedParts(part, found);
  return found;
}

/** An expression of numbers alone, each rounded to so many digits.
 * @param {Expression} one @param {Read} read @param {number} digits @returns {Expression} */
export function numbersPutIn(one, read, digits) {
  if (one.kind === "cell") return constant(roundedTo(read(one.key, one.at), digits));
  if (one.kind === "constant") return constant(roundedTo(one.value, digits));
  return withParts(one, (part) => numbersPutIn(part, read, digits));
}

const RESULT_DIGITS = 5;
const noCell = () => Number.NaN;

/** The numbers put in, with the fewest digits with which they give the result.
 * @param {Expression} one shortened @param {Read} read @param {number} value the result
 * @returns {{numbers: Expression, digits: number, result: number, exact: boolean}} the digits of the
 *   numbers and of the result; not exact: large numbers cancel, so that no digit of it follows */
export function fittedDigits(one, read, value) {
  for (let result = RESULT_DIGITS; result > 0; result--) {
    for (const digits of [4, 5, 6, 7, 8, 9, 12, 15, EXACT]) {
      if (digits < result - 1) continue;
      const numbers = numbersPutIn(one, read, digits);
      const found = evaluate(numbers, noCell);
      const same = Number.isFinite(value)
        ? found.toPrecision(result) === value.toPrecision(result) || (found === 0 && value === 0)
        : Object.is(found, value);
      if (same) return { numbers, digits, result, exact: true };
    }
  }
  const numbers = numbersPutIn(one, read, EXACT);
  return { numbers, digits: EXACT, result: RESULT_DIGITS, exact: false };
}

/** The smallest regions that hold the cells of an expression, one for each array.
 * @param {Iterable<{key: string, at: Place}>} cells @returns {{key: string, region: Region}[]} */
export function regionsAround(cells) {
  /** @type {Map<string, [number, number][]>} */
  const found = new Map();
  for (const { key, at } of cells) {
    const ranges = found.get(key);
    if (!ranges)
      found.set(
        key,
        at.map((place) => [place, place + 1]),
      );
    else
      for (const [axis, place] of at.entries()) {
        ranges[axis][0] = Math.min(ranges[axis][0], place);
        ranges[axis][1] = Math.max(ranges[axis][1], place + 1);
      }
  }
  return [...found].map(([key, region]) => ({ key, region }));
}

/** Compute something from the numbers of a pass, after those that are not there yet are loaded.
 * @template T
 * @param {import("./source.js").Pass} pass @param {(read: Read) => T} compute is called again with
 *   more numbers, until it has met all; a number that is not there yet reads as 0
 * @param {number} [rounds] how often numbers are loaded at most
 * @returns {T | Promise<T>} at once where all numbers are there */
export function withNumbers(pass, compute, rounds = 50) {
  /** @type {{key: string, at: Place}[]} */
  const missing = [];
  const found = compute((key, at) => {
    const value = pass.read(key, at);
    if (value === undefined) missing.push({ key, at });
    return value ?? 0;
  });
  if (!missing.length || !rounds) return found;
  return pass.need(regionsAround(missing)).then(() => withNumbers(pass, compute, rounds - 1));
}
