/** Which cells light up from a chosen one: what contributes to it, or what it influences. */

import { flatIndex, placeOf, placesIn, sizeOf } from "../arrays.js";
import { addends, cellsOf, evaluate, partsOf } from "../expressions.js";
import { infoOf } from "../scene.js";

/**
 * @typedef {import("../main.js").App} App
 * @typedef {import("../expressions.js").Expression} Expression
 * @typedef {import("../store.js").ChosenCell} ChosenCell
 * @typedef {Map<string, Float32Array>} Light  for each array how strongly each cell is lit, from 0
 *   to 1
 */

/** The weakest light of a cell that takes part. */
const WEAKEST = 0.25;
/** So many cells are followed all the way to the inputs or to the loss, at most. */
const MOST_CELLS = 400_000;

/** Collects the light of cells.
 * @param {App} app */
function collector(app) {
  /** @type {Light} */
  const light = new Map();
  const of = (/** @type {string} */ key) => {
    const shape = infoOf(app.pass.scene, key)?.shape ?? [];
    let found = light.get(key);
    if (!found) {
      found = new Float32Array(sizeOf(shape));
      light.set(key, found);
    }
    return { shape, array: found };
  };
  const add = (
    /** @type {string} */ key,
    /** @type {number[]} */ at,
    /** @type {number} */ much,
  ) => {
    const { shape, array } = of(key);
    const flat = flatIndex(shape, at);
    array[flat] = Math.max(array[flat], much);
  };
  return { light, of, add };
}

/** A number of the pass, exactly where it is known, else as its level says.
 * @param {App} app @returns {(key: string, at: number[]) => number} */
function roughly(app) {
  return (key, at) => {
    const exact = app.pass.read(key, at);
    if (exact !== undefined) return exact;
    const { shape, data, scale } = app.pass.levels(key);
    return data[flatIndex(shape, at)] * scale;
  };
}

/** The parts whose sum an expression is, up to a factor that they share, and the rest.
 * @param {Expression} one @returns {{terms: Expression[], rest: Expression[]}} */
function sharedOut(one) {
  if (one.kind === "sum") return { terms: addends(one), rest: [] };
  if (one.kind === "negative") return sharedOut(one.of);
  if (one.kind === "quotient") {
    const { terms, rest } = sharedOut(one.over);
    return { terms, rest: [...rest, one.under] };
  }
  const sums = one.kind === "product" ? one.factors.filter((factor) => factor.kind === "sum") : [];
  if (sums.length !== 1) return { terms: [one], rest: [] };
  return { terms: addends(sums[0]), rest: partsOf(one).filter((part) => part !== sums[0]) };
}

/** The cells of one expression, each as strongly as its term.
 * @param {App} app @param {ChosenCell} chosen @returns {Light} */
function contributing(app, { key, at }) {
  const { light, add } = collector(app);
  const operation = app.operations.find((one) => one.target === key);
  if (!operation) return light;
  const { terms, rest } = sharedOut(operation.expression(at));
  const read = roughly(app);
  const sizes = terms.map((term) => Math.abs(evaluate(term, read)));
  const most = Math.max(...sizes.filter(Number.isFinite), Number.MIN_VALUE);
  terms.forEach((term, k) => {
    const part = Number.isFinite(sizes[k]) ? sizes[k] / most : 1;
    for (const one of cellsOf(term)) add(one.key, one.at, WEAKEST + (1 - WEAKEST) * part);
  });
  for (const one of rest.flatMap((part) => [...cellsOf(part)])) add(one.key, one.at, 1);
  return light;
}

/** The cells whose expressions read a cell.
 * @param {App} app @param {ChosenCell} chosen @returns {Light} */
function influenced(app, { key, at }) {
  const { light, of } = collector(app);
  for (const operation of app.operations) {
    if (!operation.reads.includes(key)) continue;
    const { shape, array } = of(operation.target);
    for (const region of operation.influences(key, at))
      for (const place of placesIn(shape, region)) array[flatIndex(shape, place)] = 1;
  }
  return light;
}

/** Cells of a mask in an order that soon reaches every row and column.
 * @param {Float32Array} mask @returns {Generator<number>} */
function* spread(mask) {
  const { length } = mask;
  let step = Math.max(1, Math.round(length * 0.618));
  const common = (/** @type {number} */ a, /** @type {number} */ b) => {
    while (b) [a, b] = [b, a % b];
    return a;
  };
  while (common(step, length) !== 1) step++;
  for (let k = 0, flat = 0; k < length; k++, flat = (flat + step) % length)
    if (mask[flat]) yield flat;
}

/** How many cells of some arrays are dark; those of a light.
 * @param {ReturnType<typeof collector>} found @param {string[]} keys */
const isFull = (found, keys) =>
  keys.every((key) => {
    const { array } = found.of(key);
    return array.every((much) => much > 0);
  });

/** Everything that contributes, back to the inputs and the parameters.
 * @param {App} app @param {ChosenCell} chosen @returns {Light} */
function allContributing(app, { key, at }) {
  const found = collector(app);
  found.add(key, at, 1);
  let left = MOST_CELLS;
  for (const operation of app.operations.toReversed()) {
    const mask = found.light.get(operation.target);
    if (!mask) continue;
    const { shape } = found.of(operation.target);
    let tried = 0;
    for (const flat of spread(mask)) {
      if (left < 0 || (++tried % 64 === 0 && isFull(found, operation.reads))) break;
      for (const one of cellsOf(operation.expression(placeOf(shape, flat)))) {
        found.add(one.key, one.at, 1);
        left--;
      }
    }
  }
  return found.light;
}

/** Everything that is influenced, on to the loss and to the gradients.
 * @param {App} app @param {ChosenCell} chosen @returns {Light} */
function allInfluenced(app, { key, at }) {
  const found = collector(app);
  found.add(key, at, 1);
  let left = MOST_CELLS;
  for (const operation of app.operations) {
    const { target, reads } = operation;
    for (const from of reads) {
      const mask = found.light.get(from);
      if (!mask) continue;
      const { shape } = found.of(from);
      const { shape: targetShape, array } = found.of(target);
      let tried = 0;
      for (const flat of spread(mask)) {
        if (left < 0 || (++tried % 64 === 0 && isFull(found, [target]))) break;
        for (const region of operation.influences(from, placeOf(shape, flat))) {
          for (const place of placesIn(targetShape, region)) {
            array[flatIndex(targetShape, place)] = 1;
            left--;
          }
        }
      }
    }
  }
  return found.light;
}

/** Which way cells light up from the chosen one: what nothing computes, such as a weight, only
 * influences.
 * @param {App} app @returns {"contributes" | "influences"} */
export function wayOfLight(app) {
  const { chosen, light } = app.store.view;
  const isComputed = app.operations.some(({ target }) => target === chosen?.key);
  return chosen && !isComputed ? "influences" : light;
}

/** What lights up from the chosen cell of the view; null where nothing does.
 * @param {App} app @returns {Light | null} */
export function lightOf(app) {
  const { chosen, reach } = app.store.view;
  if (!chosen || !infoOf(app.pass.scene, chosen.key)) return null;
  const all = reach === "all";
  const found =
    wayOfLight(app) === "contributes"
      ? (all ? allContributing : contributing)(app, chosen)
      : (all ? allInfluenced : influenced)(app, chosen);
  for (const [key, array] of found) if (!array.some((much) => much > 0)) found.delete(key);
  return found.size ? found : null;
}
