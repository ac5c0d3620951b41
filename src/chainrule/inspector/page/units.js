/** Numbers in the user's own units: what they were before they were scaled for the network. */

import { flatIndex } from "./arrays.js";
import { infoOf } from "./scene.js";

/**
 * @typedef {import("./scene.js").Scene} Scene
 * @typedef {import("./arrays.js").Place} Place
 */

/** The scaling of a number of an input, of a target or of an output; null where there is none.
 * @param {Scene} scene @param {string} key @param {Place} at
 * @returns {{mean: number, scale: number} | null} */
export function unitAt(scene, key, at) {
  const isTarget = key === "loss.t" || key === `${scene.output}.out`;
  const scaling = key === "input.out" ? scene.scaling.inputs : isTarget && scene.scaling.targets;
  if (!scaling) return null;
  const shape = infoOf(scene, key)?.shape ?? [];
  const k = flatIndex(shape.slice(1), at.slice(1)) % scaling.mean.length;
  return { mean: scaling.mean[k], scale: scaling.scale[k] };
}

/** A number before it was scaled; null where it was not.
 * @param {Scene} scene @param {string} key @param {Place} at @param {number} value
 * @returns {number | null} */
export function inOwnUnits(scene, key, at, value) {
  const unit = unitAt(scene, key, at);
  if (!unit) return null;
  const own = value * unit.scale + unit.mean;
  return Math.abs(own) < 1e-12 * Math.abs(unit.mean) ? 0 : own; // what rounding leaves
}
