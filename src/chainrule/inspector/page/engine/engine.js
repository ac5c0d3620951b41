/**
 * A forward and a backward pass in JavaScript, for edits in a page without a server.
 *
 * It computes the arrays that `record.py` records, under the same keys, and is held against them.
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
 * @typedef {Object} AtLayer
 * @property {SceneLayer} layer
 * @property {Scene} scene
 * @property {(name: string) => NdArray} array an array of this layer: a parameter, or one kept before
 * @property {(name: string, array: NdArray) => void} keep
 * @property {(stage: string, right: NdArray) => NdArray} rightOrWrong see bugs.js; the stages are
 *   those of record.py
 */
export {};
