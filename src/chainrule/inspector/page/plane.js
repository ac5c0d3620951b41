/**
 * What the network says at every point of a plane of two of its inputs, from the page's own engine;
 * `planes.py` computes the same for a page with a server.
 *
 * @typedef {Object} PlaneWanted
 * @property {import("./source.js").PassWanted} of the pass whose network it is
 * @property {number} at the index of the case, among all, that the other inputs are taken from
 * @property {[number, number]} axes indices of the two inputs
 * @property {[number, number][]} window the lowest and the highest value of each
 * @property {number} side points along each side
 * @property {string[]} layers names of the layers whose outputs are wanted
 * @property {string[]} coarse those of which only every step-th point of each side is wanted
 * @property {number} step
 *
 * @typedef {Map<string, import("./source.js").Levels>} Sheets  the outputs of layers, by their
 *   names: for each unit all points, row by row from the highest down
 */
import { ndarray } from "./arrays.js";
import { forward } from "./engine/engine.js";

/** Of a layer with more units the first ones are drawn. */
const MOST_UNITS = 64;

/** The inputs at every point, (points, inputs).
 * @param {PlaneWanted} wanted @param {Float64Array} base those of the case
 * @returns {import("./arrays.js").NdArray} */
function pointsOf({ axes, window: [across, up], side }, base) {
  const points = ndarray([side * side, base.length]);
  for (let row = 0, k = 0; row < side; row++) {
    for (let column = 0; column < side; column++, k += base.length) {
      points.data.set(base, k);
      points.data[k + axes[0]] = across[0] + ((across[1] - across[0]) * column) / (side - 1);
      points.data[k + axes[1]] = up[1] - ((up[1] - up[0]) * row) / (side - 1);
    }
  }
  return points;
}

/** The sheets of a plane.
 * @param {import("./scene.js").Scene} scene
 * @param {Map<string, import("./arrays.js").NdArray>} arrays the inputs and the parameters
 * @param {PlaneWanted} wanted @returns {Sheets} */
export function planeFromEngine(scene, arrays, wanted) {
  const x = /** @type {import("./arrays.js").NdArray} */ (arrays.get("input.out"));
  const width = x.data.length / x.shape[0];
  const base = x.data.slice(wanted.at * width, (wanted.at + 1) * width);
  const given = new Map([["input.out", pointsOf(wanted, base)]]);
  for (const layer of scene.layers) {
    for (const { name } of layer.parameters) {
      const key = `${layer.name}.${name}`;
      given.set(key, /** @type {import("./arrays.js").NdArray} */ (arrays.get(key)));
    }
  }
  const found = forward(scene, given);
  const { layers, coarse, side, step } = wanted;
  const outOf = (/** @type {string} */ name) =>
    /** @type {import("./arrays.js").NdArray} */ (found.get(`${name}.out`)).data;
  return new Map(
    /** @type {[string, import("./source.js").Levels][]} */ ([
      ...layers.map((name) => [name, byUnit(outOf(name), side, 1)]),
      ...coarse.map((name) => [name, byUnit(outOf(name), side, step)]),
    ]),
  );
}

/** The outputs of a layer unit by unit, at every step-th point.
 * @param {Float64Array} data @param {number} side @param {number} step
 * @returns {import("./source.js").Levels} */
function byUnit(data, side, step) {
  const width = data.length / (side * side);
  const units = Math.min(width, MOST_UNITS);
  const points = Math.ceil(side / step) ** 2;
  const found = new Float64Array(units * points);
  let largest = 0;
  let p = 0;
  for (let row = 0; row < side; row += step) {
    for (let column = 0; column < side; column += step, p++) {
      for (let j = 0; j < units; j++) {
        const value = data[(row * side + column) * width + j];
        found[j * points + p] = value;
        const size = Math.abs(value);
        if (size > largest && size < Infinity) largest = size;
      }
    }
  }
  return { shape: [units, points], data: found, scale: 1, largest };
}

/** Why the page's own engine draws no planes of this network, as a sentence; null if it does.
 * @param {import("./scene.js").Scene} scene @returns {string | null} */
export function reasonAgainstPlanes(scene) {
  const normalised = scene.layers.some((layer) => layer.type === "batch_norm");
  return normalised
    ? "With batch normalisation the planes need the page of chainrule inspect without --save."
    : null;
}
