/**
 * The loss of a pass and its derivatives by what came out.
 *
 * @typedef {import("../arrays.js").NdArray} NdArray
 * @typedef {import("../scene.js").Scene} Scene
 * @typedef {import("./losses.js").Row} Row
 */

import { ndarray } from "../arrays.js";
import { layerNamed } from "../scene.js";
import { LOSSES, LOSSES_FROM_LOGITS } from "./losses.js";

/** The targets that the loss sees: smoothed, where the loss smooths them.
 * @param {Scene} scene @param {NdArray} t @returns {NdArray | null} null where nothing is smoothed */
function smoothed(scene, t) {
  const share = scene.loss.label_smoothing ?? 0;
  if (!share) return null;
  const width = t.shape.at(-1) ?? 1;
  const none = scene.loss.type === "cross_entropy" ? 1 / width : 0.5;
  return ndarray(
    t.shape,
    t.data.map((one) => one * (1 - share) + share * none),
  );
}

/** Each row with a target: its numbers, where it begins and of which case it is.
 * @param {Scene} scene @param {Map<string, NdArray>} arrays
 * @param {(row: Row, start: number, n: number) => void} tell */
function eachRow(scene, arrays, tell) {
  const last = layerNamed(scene, scene.output);
  const array = (/** @type {string} */ key) => /** @type {NdArray} */ (arrays.get(key));
  const y = array(`${last.name}.out`);
  const t = arrays.get("loss.t_smooth") ?? array("loss.t");
  const z = scene.loss_from_logits ? logits(scene, arrays) : y;
  const width = y.shape.at(-1) ?? 1;
  const rowOf = y.data.length / y.shape[0];
  for (let start = 0; start < y.data.length; start += width) {
    if (y.shape.length === 3 && Number.isNaN(t.data[start])) continue;
    const [ys, ts, zs] = [y, t, z].map(({ data }) => data.subarray(start, start + width));
    tell({ y: ys, t: ts, z: zs }, start, Math.floor(start / rowOf));
  }
}

/** The logits of the last layer's function.
 * @param {Scene} scene @param {Map<string, NdArray>} arrays @returns {NdArray} */
function logits(scene, arrays) {
  const last = layerNamed(scene, scene.output);
  const key = last.type === "softmax" ? `${last.sources[0]}.out` : `${last.name}.z`;
  return /** @type {NdArray} */ (arrays.get(key));
}

/** The penalties on the weights, as a part of the loss.
 * @param {Scene} scene @param {Map<string, NdArray>} arrays @returns {number | null} null for none */
function penaltyOfWeights(scene, arrays) {
  let total = 0;
  let some = false;
  for (const layer of scene.layers) {
    for (const { name, penalty } of layer.parameters) {
      const { L1 = 0, L2 = 0 } = penalty;
      some ||= L1 > 0 || L2 > 0;
      if (!(L1 || L2)) continue;
      const w = /** @type {NdArray} */ (arrays.get(`${layer.name}.${name}`)).data;
      if (L2) total += L2 * 0.5 * w.reduce((sum, one) => sum + one * one, 0);
      if (L1) total += L1 * w.reduce((sum, one) => sum + Math.abs(one), 0);
    }
  }
  return some ? total : null;
}

/** Add the arrays of the loss, and return it.
 * @param {Scene} scene @param {Map<string, NdArray>} given @param {Map<string, NdArray>} arrays
 * @returns {number} */
export function addLoss(scene, given, arrays) {
  const t = /** @type {NdArray} */ (given.get("loss.t"));
  arrays.set("loss.t", t);
  const smooth = smoothed(scene, t);
  if (smooth) arrays.set("loss.t_smooth", smooth);
  const weights = given.get("loss.weights");
  if (weights) arrays.set("loss.weights", weights);
  const cases = t.shape[0];
  const each = ndarray([cases]);
  const { type } = scene.loss;
  const rule = scene.loss_from_logits ? LOSSES_FROM_LOGITS[type] : LOSSES[type];
  eachRow(scene, arrays, (row, _, n) => {
    each.data[n] += rule.each(row, scene.loss);
  });
  arrays.set("loss.each", each);
  const penalty = penaltyOfWeights(scene, arrays);
  if (penalty !== null) arrays.set("loss.penalty", ndarray([], [penalty]));
  const total = each.data.reduce((sum, one, n) => sum + one * (weights?.data[n] ?? 1), 0);
  const loss = total / cases + (penalty ?? 0);
  arrays.set("loss.value", ndarray([], [loss]));
  return loss;
}

/** ∂L/∂y of the last layer, and ∂L/∂z where the loss is computed from z, else null.
 * @param {Scene} scene @param {Map<string, NdArray>} arrays
 * @returns {{J: NdArray, delta: NdArray | null}} */
export function lossOfOutputs(scene, arrays) {
  const { shape } = /** @type {NdArray} */ (arrays.get(`${scene.output}.out`));
  const weights = arrays.get("loss.weights")?.data;
  const J = ndarray(shape);
  const delta = scene.loss_from_logits ? ndarray(shape) : null;
  const { type } = scene.loss;
  const fill = (
    /** @type {NdArray} */ into,
    /** @type {Float64Array} */ slope,
    /** @type {number} */ start,
    /** @type {number} */ n,
  ) => {
    const share = (weights?.[n] ?? 1) / shape[0];
    into.data.set(
      slope.map((one) => one * share),
      start,
    );
  };
  eachRow(scene, arrays, (row, start, n) => {
    if (delta) {
      fill(J, LOSSES_FROM_LOGITS[type].slopeByY(row), start, n);
      fill(delta, LOSSES_FROM_LOGITS[type].slope(row, scene.loss), start, n);
    } else {
      fill(J, LOSSES[type].slope(row, scene.loss), start, n);
    }
  });
  return { J, delta };
}
