/**
 * From the gradients of a pass to the parameters after the update.
 *
 * @typedef {import("../arrays.js").NdArray} NdArray
 * @typedef {import("../scene.js").Scene} Scene
 * @typedef {import("./at.js").AtLayer} AtLayer
 */

import { ndarray } from "../arrays.js";
import { FIRST_STEPS } from "./optimizers.js";

/** Add what the penalties add to the gradients of a layer's parameters.
 * @param {AtLayer} at */
export function addPenalties(at) {
  for (const { name, trained, penalty } of at.layer.parameters) {
    if (!trained) continue;
    const w = at.array(name);
    let gradient = at.rightOrWrong(`${name}_grad`, at.array(`${name}_grad`));
    if (at.bugs.length || penalty.L1 || penalty.L2) {
      const added = at.rightOrWrong(`${name}_penalty`, slopeOfPenalty(w, penalty));
      const both = gradient.data.map((one, k) => one + added.data[k]);
      gradient = ndarray(w.shape, both);
    }
    at.arrays.delete(`${at.layer.name}.${name}_grad`); // so that it lies behind inner gradients
    at.keep(`${name}_grad`, gradient);
  }
}

/** What the penalties add to the gradient of an array.
 * @param {NdArray} w @param {{L1?: number, L2?: number}} penalty @returns {NdArray} */
const slopeOfPenalty = (w, { L1 = 0, L2 = 0 }) =>
  ndarray(
    w.shape,
    w.data.map((one) => (L1 ? L1 * Math.sign(one) : 0) + (L2 ? L2 * one : 0)),
  );

/** ‖g‖ of all gradients, without overflow of the squares.
 * @param {Float64Array[]} gradients @returns {number} */
function normOf(gradients) {
  const most = gradients.reduce((a, one) => one.reduce((b, g) => Math.max(b, Math.abs(g)), a), 0);
  if (most === 0 || !Number.isFinite(most)) return most;
  const square = gradients.reduce(
    (a, one) => one.reduce((b, g) => b + (g / most) * (g / most), a),
    0,
  );
  return most * Math.sqrt(square);
}

/** The parameters after the first step of the optimiser, and how the gradient was shortened; nothing
 * of L-BFGS, which Python alone computes. What is not trained, such as running means, is taken over.
 * @param {Scene} scene @param {Map<string, NdArray>} arrays with parameters and gradients
 * @returns {Map<string, NdArray>} */
export function updateFrom(scene, arrays) {
  /** @type {Map<string, NdArray>} */
  const found = new Map();
  const { type } = scene.optimizer;
  const step = type in FIRST_STEPS ? FIRST_STEPS[type] : null;
  const array = (/** @type {string} */ key) => /** @type {NdArray} */ (arrays.get(key));
  const parameters = scene.layers.flatMap((layer) =>
    layer.parameters.map((one) => ({ ...one, key: `${layer.name}.${one.name}` })),
  );
  let factor = 1;
  if (step && scene.clip_norm !== null) {
    const trained = parameters.filter((one) => one.trained);
    const length = normOf(trained.map(({ key }) => array(`${key}_grad`).data));
    factor = length > scene.clip_norm ? scene.clip_norm / length : 1;
    found.set("loss.norm", ndarray([], [length]));
    found.set("loss.clip", ndarray([], [factor]));
  }
  for (const { key, trained, rate, is_bias } of parameters) {
    if (!trained) {
      const running = arrays.get(`${key}_new`);
      if (running) found.set(`${key}_new`, running);
    }
    if (!trained || !step) continue;
    const w = array(key);
    const g = array(`${key}_grad`).data;
    const after = w.data.map((one, k) =>
      step({ w: one, g: g[k] * factor, rate, decays: !is_bias }, scene.optimizer),
    );
    found.set(`${key}_new`, ndarray(w.shape, after));
  }
  return found;
}
