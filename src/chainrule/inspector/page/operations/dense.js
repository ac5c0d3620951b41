/** The operations of a dense layer: z = x W + b, a = φ(z), and back; of rows, or at each step. */

import { cell, constant, product, sum } from "../expressions.js";
import { countOfCases, hasZ } from "../scene.js";
import {
  activated,
  deltaOf,
  fedBy,
  isPadding,
  ofAllCases,
  range,
  sentTo,
  sumOfCases,
  throughActivation,
} from "./common.js";

/**
 * @typedef {import("../arrays.js").Place} Place
 * @typedef {import("../scene.js").Scene} Scene
 * @typedef {import("../scene.js").SceneLayer} SceneLayer
 * @typedef {import("./operations.js").OperationRule} OperationRule
 * @typedef {import("./operations.js").Family} Family
 */

/** @param {SceneLayer} layer @returns {OperationRule} */
function weightedSum(layer) {
  const { name } = layer;
  const [x, W, b] = [fedBy(layer), `${name}.W`, `${name}.b`];
  const hasBias = layer.parameters.some((one) => one.name === "b");
  const inputs = range(layer.input_shape.at(-1) ?? 0);
  return {
    target: `${name}.${hasZ(layer) ? "z" : "out"}`,
    title: "The weighted sum",
    says: `Each unit multiplies every input by its weight${hasBias ? ", adds the products up, and adds its bias" : " and adds the products up"}.`,
    numpy: hasBias ? "z = x @ W + b" : "z = x @ W",
    reads: hasBias ? [x, W, b] : [x, W],
    expression: (at) => {
      const [lead, j] = [at.slice(0, -1), at[at.length - 1]];
      const products = sum(
        inputs.map((i) => product(cell(x, [...lead, i]), cell(W, [i, j]))),
        "i",
      );
      return hasBias ? sum([products, cell(b, [j])]) : products;
    },
    influences: (key, at) =>
      key === x
        ? [[...at.slice(0, -1), null]]
        : [[...layer.output_shape.map(() => null), at[at.length - 1]]],
  };
}

/** @param {Scene} scene @param {SceneLayer} layer @returns {OperationRule} */
function sentBack(scene, layer) {
  const { name } = layer;
  const [delta, W] = [deltaOf(layer), `${name}.W`];
  const outputs = range(layer.output_shape.at(-1) ?? 0);
  return {
    target: sentTo(scene, layer),
    title: "Back to the inputs",
    says: "An input moves the loss through every unit that it feeds; the ways add up.",
    numpy: "J_before = delta @ W.T",
    reads: [delta, W],
    expression: (at) => {
      if (isPadding(scene, layer.input_shape, at)) return constant(0);
      const [lead, i] = [at.slice(0, -1), at[at.length - 1]];
      return sum(
        outputs.map((j) => product(cell(delta, [...lead, j]), cell(W, [i, j]))),
        "j",
      );
    },
    influences: (key, at) => {
      if (key === W) return ofAllCases(scene, layer.input_shape, at[0]);
      return isPadding(scene, layer.input_shape, at) ? [] : [[...at.slice(0, -1), null]];
    },
  };
}

/** @param {SceneLayer} layer @returns {string} */
const whatAddsUp = ({ output_shape }) =>
  output_shape.length === 2 ? "all steps of all cases" : "the cases";

/** The gradient of W: Σ over the cases of x δ.
 * @param {Scene} scene @param {SceneLayer} layer @returns {OperationRule} */
function gradientOfWeights(scene, layer) {
  const { name } = layer;
  const [x, delta] = [fedBy(layer), deltaOf(layer)];
  return {
    target: `${name}.W_grad`,
    title: "The gradient of the weights",
    says: `A weight moves z by its input, and z moves the loss by δ; ${whatAddsUp(layer)} add up.`,
    numpy: "W_grad = x.T @ delta",
    reads: [x, delta],
    expression: ([i, j]) => {
      const term = (/** @type {Place} */ lead) =>
        product(cell(x, [...lead, i]), cell(delta, [...lead, j]));
      return sumOfCases(scene, layer.input_shape, term, countOfCases(scene));
    },
    influences: (key, at) => {
      if (isPadding(scene, layer.input_shape, at)) return [];
      return key === x ? [[at[at.length - 1], null]] : [[null, at[at.length - 1]]];
    },
  };
}

/** The gradient of b: Σ over the cases of δ.
 * @param {Scene} scene @param {SceneLayer} layer @returns {OperationRule} */
function gradientOfBiases(scene, layer) {
  const { name } = layer;
  const delta = deltaOf(layer);
  return {
    target: `${name}.b_grad`,
    title: "The gradient of the biases",
    says: `A bias moves z as it is, so that its gradient is δ; ${whatAddsUp(layer)} add up.`,
    numpy: "b_grad = delta.sum(axis=0)",
    reads: [delta],
    expression: ([j]) => {
      const term = (/** @type {Place} */ lead) => cell(delta, [...lead, j]);
      return sumOfCases(scene, layer.output_shape, term, countOfCases(scene));
    },
    influences: (_, at) => (isPadding(scene, layer.output_shape, at) ? [] : [[at[at.length - 1]]]),
  };
}

/** @type {Family} */
export const DENSE = {
  forward: (_, layer) => [weightedSum(layer), ...activated(layer)],
  backward: (scene, layer) => [...throughActivation(scene, layer), sentBack(scene, layer)],
  gradients: (scene, layer) =>
    layer.parameters.map(({ name }) =>
      name === "W" ? gradientOfWeights(scene, layer) : gradientOfBiases(scene, layer),
    ),
};
