/**
 * The gradient check of a pass: every array of gradients against differences of the loss itself.
 *
 * `inspector/check.py` does the same in Python, by a better derivative. A number at a kink, such as
 * that of relu at 0, is left out: its slope is a convention.
 *
 * @typedef {import("./arrays.js").NdArray} NdArray
 * @typedef {import("./arrays.js").Place} Place
 * @typedef {import("./scene.js").Scene} Scene
 * @typedef {import("./source.js").CheckRow} CheckRow
 * @typedef {Map<string, NdArray>} Arrays
 */

import { ndarray, placeOf, sizeOf } from "./arrays.js";
import { forward } from "./engine/engine.js";
import { addLoss } from "./engine/loss.js";
import { reachOf } from "./engine/sequences.js";
import { infoOf } from "./scene.js";

/** The steps of the differences, the largest first: small ones see no kink but more rounding. */
const STEPS = [1e-3, 1e-4, 1e-5, 1e-6];
const CLOSE = 1e-6;
/** So many multiplications a check may take, about. */
const MOST_CHECK_WORK = 8e8;

/** The relative error of two numbers. @param {number} a @param {number} b */
const relativeError = (a, b) =>
  a === b ? 0 : Math.abs(a - b) / Math.max(Math.abs(a), Math.abs(b));

/** The layers, with what feeds them, whose gradients are cut off in time.
 * @param {Scene} scene @returns {Set<string>} */
function truncatedLayers(scene) {
  const found = new Set(
    scene.layers.filter((one) => reachOf(one) !== null).map((one) => one.name),
  );
  for (const { name, sources } of scene.layers.toReversed())
    if (found.has(name)) for (const source of sources) found.add(source);
  return found;
}

/** What is checked: for each array of gradients the key of what it belongs to.
 * @param {Scene} scene @returns {{key: string, of: string, layer: string}[]} */
function checkedArrays(scene) {
  const parameters = scene.layers.flatMap(({ name, parameters }) =>
    parameters
      .filter(({ trained }) => trained)
      .map((one) => ({ key: `${name}.${one.name}_grad`, of: `${name}.${one.name}`, layer: name })),
  );
  if (scene.layers.some(({ type }) => type === "embedding")) return parameters;
  return [{ key: "input.J", of: "input.out", layer: "input" }, ...parameters];
}

/** How many numbers of an array are tried, so that the whole check stays within `MOST_CHECK_WORK`.
 * @param {Scene} scene @param {number} cases */
function mostCells(scene, cases) {
  let work = 0;
  for (const { parameters, output_shape } of scene.layers) {
    const uses =
      output_shape.length === 3
        ? output_shape[1] * output_shape[2]
        : output_shape.length === 2
          ? output_shape[0]
          : 1;
    for (const { shape } of parameters) work += cases * uses * sizeOf(shape);
  }
  const perCell = 4 * Math.max(work, 1000) * checkedArrays(scene).length;
  return Math.min(400, Math.max(10, Math.floor(MOST_CHECK_WORK / perCell)));
}

/** The flat indices that are tried: all of a few, else the largest, and some between.
 * @param {Float64Array} analytic @param {number} most @returns {number[]} */
function triedCells(analytic, most) {
  const all = Array.from(analytic, (_, k) => k);
  if (all.length <= most) return all;
  const size = (/** @type {number} */ k) => Math.abs(analytic[k]) || 0;
  const largest = all.toSorted((a, b) => size(b) - size(a)).slice(0, most / 2);
  const rest = most - largest.length;
  const between = Array.from({ length: rest }, (_, k) =>
    Math.floor((k * (all.length - 1)) / Math.max(rest - 1, 1)),
  );
  return [...new Set([...largest, ...between])];
}

/** The loss as a function of one number that is moved by h.
 * @param {Scene} scene @param {Arrays} arrays @param {string} key @returns {(k: number, h: number) => number} */
function lossAlong(scene, arrays, key) {
  const { shape, data } = /** @type {NdArray} */ (arrays.get(key));
  const moved = ndarray(shape, Float64Array.from(data));
  const given = new Map([...arrays, [key, moved]]);
  return (k, h) => {
    moved.data[k] = data[k] + h;
    const loss = addLoss(scene, given, forward(scene, given));
    moved.data[k] = data[k];
    return loss;
  };
}

/**
 * The derivative by one number, or that it lies at a kink.
 *
 * @param {(h: number) => number} loss moved by h @param {number} here the loss itself
 * @param {number} analytic
 * @returns {{numeric: number, verdict: "right" | "wrong" | "kink" | "unsure"}}
 */
function judged(loss, here, analytic) {
  const noise = 8e-15 * (1 + Math.abs(here));
  let numeric = NaN;
  for (const h of STEPS) {
    const near = loss(h) - loss(-h);
    const found = (8 * near - (loss(2 * h) - loss(-2 * h))) / (12 * h);
    if (!Number.isFinite(found) || !Number.isFinite(analytic))
      return { numeric: found, verdict: "unsure" };
    const limit = CLOSE * Math.max(Math.abs(found), Math.abs(analytic)) + noise / h;
    if (Math.abs(found - analytic) <= limit) return { numeric: found, verdict: "right" };
    if (h === STEPS[0] || h === STEPS[1]) numeric = found;
  }
  const h = STEPS[STEPS.length - 1];
  const [after, before] = [(loss(h) - here) / h, (here - loss(-h)) / h];
  const most = Math.max(Math.abs(after), Math.abs(before), Math.abs(analytic));
  const bends = Math.abs(after - before) > 1e-4 * most + (4 * noise) / h;
  return { numeric, verdict: bends ? "kink" : "wrong" };
}

/** Let the page draw. */
const pause = () => new Promise((resolve) => setTimeout(resolve));

/** The check of one array. @param {Scene} scene @param {Arrays} arrays
 * @param {{key: string, of: string}} one @param {number} most @returns {Promise<CheckRow>} */
async function checkedRow(scene, arrays, { key, of }, most) {
  const analytic = /** @type {NdArray} */ (arrays.get(key));
  const loss = lossAlong(scene, arrays, of);
  const found = emptyRow(scene, key, analytic, "kink");
  const here = loss(0, 0);
  let since = performance.now();
  for (const k of triedCells(analytic.data, most)) {
    if (performance.now() - since > 12) {
      await pause();
      since = performance.now();
    }
    const a = analytic.data[k];
    const { numeric, verdict } = judged((h) => loss(k, h), here, a);
    if (verdict === "kink") {
      found.kinks++;
      continue;
    }
    found.tried++;
    // Of numbers that are right, those that are 0 but for rounding have no relative error.
    const error =
      verdict === "right" && Math.abs(numeric - a) < 1e-9 ? 0 : relativeError(numeric, a);
    const worse = verdict === "wrong" && found.verdict !== "wrong";
    if (found.tried === 1 || worse || (error > found.error && verdict === found.verdict)) {
      const at = placeOf(analytic.shape, k);
      Object.assign(found, { error, at, verdict, analytic: a, numeric });
    }
    if (verdict === "unsure" && found.verdict === "right") found.verdict = verdict;
  }
  return found;
}

/** A row of which nothing has been tried. @param {Scene} scene @param {string} key
 * @param {NdArray} analytic @param {CheckRow["verdict"]} verdict @returns {CheckRow} */
const emptyRow = (scene, key, { shape, data }, verdict) => ({
  key,
  letter: infoOf(scene, key)?.letter ?? "",
  verdict,
  tried: 0,
  of: data.length,
  error: 0,
  at: shape.map(() => 0),
  analytic: 0,
  numeric: 0,
  kinks: 0,
});

/** Hold the gradients of a pass, right or wrong, against differences of the loss.
 * @param {Scene} scene @param {Arrays} arrays every array of the pass
 * @param {() => boolean} [isWanted] asked before each array; the check ends where it is not
 * @returns {Promise<CheckRow[]>} */
export async function checkedByEngine(scene, arrays, isWanted = () => true) {
  const truncated = truncatedLayers(scene);
  const cases = /** @type {NdArray} */ (arrays.get("input.out")).shape[0];
  const most = mostCells(scene, cases);
  const rows = [];
  for (const one of checkedArrays(scene)) {
    if (!isWanted()) break;
    const analytic = /** @type {NdArray} */ (arrays.get(one.key));
    rows.push(
      truncated.has(one.layer)
        ? emptyRow(scene, one.key, analytic, "truncated")
        : await checkedRow(scene, arrays, one, most),
    );
  }
  return rows;
}
