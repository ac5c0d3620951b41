/**
 * What the engine of a type of layer is given, and what several of them need.
 *
 * @typedef {import("../arrays.js").NdArray} NdArray
 * @typedef {import("../scene.js").Scene} Scene
 * @typedef {import("../scene.js").SceneLayer} SceneLayer
 *
 * @typedef {Object} Engine  what a type of layer computes
 * @property {(at: AtLayer, x: NdArray) => NdArray} forward from the input (cases, ...input_shape) to
 *   the output; keeps its other arrays (z, mask, …) by `at.keep(name, array)`
 * @property {(at: AtLayer, J: NdArray) => NdArray} backward from ∂L/∂output to ∂L/∂input; keeps
 *   delta, inner gradients and NAME_grad (without the penalty) by `at.keep`
 *
 * @typedef {Object} EngineBug  a wrong rule that takes the place of a right one, see bugs.js
 * @property {(stage: string, at: AtLayer, right: NdArray) => NdArray | null} wrong what it computes
 *   at a stage of record.py; null where the bug is elsewhere
 */

import { ndarray, sizeOf } from "../arrays.js";
import { hasZ } from "../scene.js";
import { derivativeOf, functionOf } from "./activations.js";

/** A layer in a pass: its description and its arrays. */
export class AtLayer {
  /**
   * @param {Scene} scene @param {SceneLayer} layer @param {Map<string, NdArray>} arrays of the pass
   * @param {Map<string, NdArray>} given arrays that no pass computes: parameters, masks
   * @param {EngineBug[]} bugs
   */
  constructor(scene, layer, arrays, given, bugs) {
    this.scene = scene;
    this.layer = layer;
    this.arrays = arrays;
    this.given = given;
    this.bugs = bugs;
    /** The input, (cases, ...input_shape); without padding where the layer is at each step.
     * @type {NdArray} */
    this.x = ndarray([0]);
    /** Which steps are padding, (cases · steps); null if none is. @type {Uint8Array | null} */
    this.padded = null;
    /** ∂L/∂z of the last layer, where the loss is computed from its z; else null.
     * @type {NdArray | null} */
    this.deltaOfLoss = null;
  }

  /** An array of this layer: a parameter, or one kept before.
   * @param {string} name @returns {NdArray} */
  array(name) {
    const found = this.arrays.get(`${this.layer.name}.${name}`);
    if (!found) throw new Error(`there is no array ${this.layer.name}.${name}`);
    return found;
  }

  /** @param {string} name @param {NdArray} array */
  keep(name, array) {
    this.arrays.set(`${this.layer.name}.${name}`, array);
  }

  /** An array of this layer that no pass computes, such as a mask; undefined where there is none.
   * @param {string} name @returns {NdArray | undefined} */
  givenArray(name) {
    return this.given.get(`${this.layer.name}.${name}`);
  }

  /** What the rule of a stage computes, or the first bug that is at this stage.
   * @param {string} stage @param {NdArray} right @returns {NdArray} */
  rightOrWrong(stage, right) {
    for (const bug of this.bugs) {
      const found = bug.wrong(stage, this, right);
      if (found) return found;
    }
    return right;
  }

  /** How many cases there are. @returns {number} */
  get cases() {
    return this.x.shape[0];
  }
}

/** φ(z), where there is an activation; keeps z.
 * @param {AtLayer} at @param {NdArray} z @returns {NdArray} */
export function throughPhi(at, z) {
  if (!hasZ(at.layer) || !at.layer.activation) return z;
  at.keep("z", at.padded ? withNaN(z, at.padded) : z);
  return ndarray(z.shape, z.data.map(functionOf(at.layer.activation).f));
}

/** δ = ∂L/∂z: from the loss where it is computed from z, else J times the slope; keeps it.
 * @param {AtLayer} at @param {NdArray} J @returns {NdArray} */
export function backThroughPhi(at, J) {
  const { layer } = at;
  let delta = at.deltaOfLoss ?? J;
  if (hasZ(layer) && layer.activation && !at.deltaOfLoss) {
    const z = at.array("z").data;
    const { f } = derivativeOf(layer.activation);
    delta = ndarray(
      J.shape,
      J.data.map((one, k) => one * f(z[k])),
    );
    if (at.padded) zeroAt(delta, at.padded);
  }
  delta = at.rightOrWrong("delta", delta);
  if (hasZ(layer)) at.keep("delta", delta);
  return delta;
}

/** A copy of an array of sequences with another number at the padded steps.
 * @param {NdArray} array @param {Uint8Array} padded @param {number} value @returns {NdArray} */
function withAt(array, padded, value) {
  const { shape, data } = array;
  const width = data.length / padded.length;
  const found = Float64Array.from(data);
  for (let step = 0; step < padded.length; step++) {
    if (padded[step]) found.fill(value, step * width, (step + 1) * width);
  }
  return { shape, data: found };
}

/** A copy with 0 at the padded steps. @param {NdArray} array @param {Uint8Array} padded */
export const withoutNaN = (array, padded) => withAt(array, padded, 0);

/** A copy with NaN at the padded steps. @param {NdArray} array @param {Uint8Array} padded */
export const withNaN = (array, padded) => withAt(array, padded, Number.NaN);

/** Set an array of sequences to 0 at the padded steps, in place.
 * @param {NdArray} array @param {Uint8Array} padded @returns {NdArray} */
export function zeroAt({ shape, data }, padded) {
  const width = data.length / padded.length;
  for (let step = 0; step < padded.length; step++) {
    if (padded[step]) data.fill(0, step * width, (step + 1) * width);
  }
  return { shape, data };
}

/** Which steps of an array (cases, steps, features) are padding; null if none is.
 * @param {NdArray} x @returns {Uint8Array | null} */
export function paddingOf({ shape, data }) {
  if (shape.length !== 3 || !data.some(Number.isNaN)) return null;
  const width = shape[2];
  const found = new Uint8Array(sizeOf(shape) / width).map((_, step) =>
    Number(data.subarray(step * width, (step + 1) * width).every(Number.isNaN)),
  );
  return found.some((one) => one) ? found : null;
}

/** NaN of real steps, from an overflow, becomes inf, in place: it is no padding.
 * @param {NdArray} y @param {Uint8Array | null} padded @returns {NdArray} */
export function overflowIsInf(y, padded) {
  const width = y.data.length / (padded?.length ?? 1);
  for (let k = 0; k < y.data.length; k++) {
    if (Number.isNaN(y.data[k]) && !padded?.[Math.floor(k / width)])
      y.data[k] = Number.POSITIVE_INFINITY;
  }
  return y;
}
