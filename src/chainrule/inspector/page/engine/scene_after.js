/**
 * The description of a pass that the engine made, from that of the pass as it came.
 *
 * @typedef {import("../arrays.js").NdArray} NdArray
 * @typedef {import("../scene.js").ArrayInfo} ArrayInfo
 * @typedef {import("../scene.js").Scene} Scene
 */

import { hasZ, layerNamed } from "../scene.js";

/** @type {Record<string, {role: ArrayInfo["role"], letter: string, says: string}>} */
const NEW_ARRAYS = {
  z: {
    role: "value",
    letter: "z",
    says: "What the activation is applied to: one number for each output.",
  },
  "dense.z": {
    role: "value",
    letter: "z",
    says: "The weighted sum of each unit, to which the activation is applied.",
  },
  delta: { role: "gradient", letter: "δ", says: "δ: how the loss moves with each z." },
};

/** The scene, with the arrays that the pass has: an edited activation gives or takes z and δ.
 * @param {Scene} scene @param {Map<string, NdArray>} arrays @param {Uint8Array | null} padded
 * @returns {Scene} */
export function sceneAfter(scene, arrays, padded) {
  const known = new Map(scene.arrays.map((info) => [info.key, info]));
  const infos = [...arrays].map(([key, { shape }]) => {
    const info = known.get(key) ?? madeUp(scene, key);
    return { ...info, letter: letterAfter(scene, info), shape };
  });
  const loss_value = arrays.get("loss.value")?.data[0] ?? scene.loss_value;
  return {
    ...scene,
    arrays: infos,
    lengths: lengthsFrom(arrays, padded),
    targets: stepsWithTargets(arrays),
    loss_value,
  };
}

/** @param {Scene} scene @param {string} key @returns {ArrayInfo} */
function madeUp(scene, key) {
  const [layer, name] = [key.slice(0, key.lastIndexOf(".")), key.slice(key.lastIndexOf(".") + 1)];
  const { type } = layerNamed(scene, layer);
  const { role, letter, says } = NEW_ARRAYS[`${type}.${name}`] ?? NEW_ARRAYS[name];
  return { key, layer, name, role, letter, shape: [], cases: true, says };
}

/** The letter of an array: an output is a where it is bent, and z where it is z itself; those of a
 * layer with states, which has weights U, stay as they are.
 * @param {Scene} scene @param {ArrayInfo} info @returns {string} */
function letterAfter(scene, { layer, name, letter }) {
  const found = scene.layers.find((one) => one.name === layer);
  if (found?.parameters.some((one) => one.name === "U")) return letter;
  if (!found || !["z", "a", "∂L/∂z", "∂L/∂a"].includes(letter)) return letter;
  const own = hasZ(found) ? "a" : "z";
  return name === "out" ? own : name === "J" ? `∂L/∂${own}` : letter;
}

/** @param {Map<string, NdArray>} arrays @param {Uint8Array | null} padded
 * @returns {number[] | null} */
function lengthsFrom(arrays, padded) {
  const cases = arrays.get("input.out")?.shape[0] ?? 0;
  if (!padded) return null;
  const steps = padded.length / cases;
  return Array.from({ length: cases }, (_, n) =>
    padded.subarray(n * steps, (n + 1) * steps).reduce((real, one) => real + 1 - one, 0),
  );
}

/** @param {Map<string, NdArray>} arrays @returns {number[][] | null} */
function stepsWithTargets(arrays) {
  const t = arrays.get("loss.t");
  if (t?.shape.length !== 3 || !t.data.some(Number.isNaN)) return null;
  const [cases, steps, width] = t.shape;
  return Array.from({ length: cases }, (_, n) =>
    Array.from({ length: steps }, (_, s) => s).filter(
      (s) => !Number.isNaN(t.data[(n * steps + s) * width]),
    ),
  );
}
