/** The operations of a dense layer: z = x W + b, a = φ(z), and back. */

import { derivativeOf, functionOf } from "../engine/activations.js";
import { call, cell, constant, product, sum } from "../expressions.js";
import { consumersOf } from "../scene.js";

/**
 * @typedef {import("../arrays.js").Place} Place
 * @typedef {import("../scene.js").Scene} Scene
 * @typedef {import("../scene.js").SceneLayer} SceneLayer
 * @typedef {import("./operations.js").Operation} Operation
 * @typedef {import("./operations.js").Family} Family
 */

/** The numbers 0 … n − 1. @param {number} n @returns {number[]} */
export const range = (n) => Array.from({ length: n }, (_, k) => k);

/** The key of what feeds a layer with one source.
 * @param {SceneLayer} layer @returns {string} */
export const fedBy = (layer) => `${layer.sources[0]}.out`;

/** The key of what a layer sends back to its source: ∂L/∂output of the source, where it has no
 * other consumer, else this layer's own part of it.
 * @param {Scene} scene @param {SceneLayer} layer @returns {string} */
export const sentTo = (scene, layer) =>
  consumersOf(scene, layer.sources[0]).length > 1 ? `${layer.name}.sent` : `${layer.sources[0]}.J`;

/** Whether a layer has z and δ of its own: its activation is not the identity.
 * @param {SceneLayer} layer @returns {boolean} */
export const hasZ = (layer) => layer.activation !== null && layer.activation.type !== "linear";

/** The key of δ: ∂L/∂z.
 * @param {SceneLayer} layer @returns {string} */
export const deltaOf = (layer) => `${layer.name}.${hasZ(layer) ? "delta" : "J"}`;

/** a = φ(z), number by number; nothing for the identity.
 * @param {SceneLayer} layer @returns {Operation[]} */
export function activated(layer) {
  if (!hasZ(layer) || !layer.activation) return [];
  const { name } = layer;
  const { symbol, f } = functionOf(layer.activation);
  return [
    {
      target: `${name}.out`,
      layer: name,
      phase: "forward",
      title: "The activation",
      says: "Each unit bends its sum z by the activation; the result is the unit's output.",
      numpy: "a = phi(z)",
      reads: [`${name}.z`],
      expression: (at) => call(symbol, f, cell(`${name}.z`, at)),
      influences: (_, at) => [at],
    },
  ];
}

/** δ = ∂L/∂a · φ′(z), number by number; nothing for the identity.
 * @param {SceneLayer} layer @returns {Operation[]} */
export function throughActivation(layer) {
  if (!hasZ(layer) || !layer.activation) return [];
  const { name } = layer;
  const { symbol, f } = derivativeOf(layer.activation);
  return [
    {
      target: `${name}.delta`,
      layer: name,
      phase: "backward",
      title: "Back through the activation",
      says: "δ says how the loss moves with z: how it moves with a, times the slope of φ at this z.",
      numpy: "delta = J * phi_slope(z)",
      reads: [`${name}.J`, `${name}.z`],
      expression: (at) => product(cell(`${name}.J`, at), call(symbol, f, cell(`${name}.z`, at))),
      influences: (_, at) => [at],
    },
  ];
}

/** @param {SceneLayer} layer @returns {Operation} */
function weightedSum(layer) {
  const { name } = layer;
  const [x, W, b] = [fedBy(layer), `${name}.W`, `${name}.b`];
  const hasBias = layer.parameters.some((one) => one.name === "b");
  return {
    target: `${name}.${hasZ(layer) ? "z" : "out"}`,
    layer: name,
    phase: "forward",
    title: "The weighted sum",
    says: "Each unit multiplies every input by its weight, adds the products up, and adds its bias.",
    numpy: hasBias ? "z = x @ W + b" : "z = x @ W",
    reads: hasBias ? [x, W, b] : [x, W],
    expression: ([n, j]) => {
      const products = range(layer.input_shape[0]).map((i) =>
        product(cell(x, [n, i]), cell(W, [i, j])),
      );
      const all = sum(products, "i");
      return hasBias ? sum([all, cell(b, [j])]) : all;
    },
    influences: (key, at) =>
      key === x ? [[at[0], null]] : key === W ? [[null, at[1]]] : [[null, at[0]]],
  };
}

/** @param {Scene} scene @param {SceneLayer} layer @returns {Operation} */
function sentBack(scene, layer) {
  const { name } = layer;
  const [delta, W] = [deltaOf(layer), `${name}.W`];
  return {
    target: sentTo(scene, layer),
    layer: name,
    phase: "backward",
    title: "Back to the inputs",
    says: "An input moves the loss through every unit that it feeds; the ways add up.",
    numpy: "J_before = delta @ W.T",
    reads: [delta, W],
    expression: ([n, i]) =>
      sum(
        range(layer.output_shape[0]).map((j) => product(cell(delta, [n, j]), cell(W, [i, j]))),
        "j",
      ),
    influences: (key, at) => (key === delta ? [[at[0], null]] : [[null, at[0]]]),
  };
}

/** The gradient of W: Σ over the cases of x δ, and the penalty.
 * @param {Scene} scene @param {SceneLayer} layer @returns {Operation[]} */
function gradients(scene, layer) {
  const { name } = layer;
  const [x, delta] = [fedBy(layer), deltaOf(layer)];
  const cases = range(scene.arrays.find((one) => one.key === x)?.shape[0] ?? 0);
  const common = /** @type {const} */ ({ layer: name, phase: "gradients" });
  return layer.parameters.map((parameter) =>
    parameter.name === "W"
      ? {
          ...common,
          target: `${name}.W_grad`,
          title: "The gradient of the weights",
          says: "A weight moves z by its input, and z moves the loss by δ; the cases add up.",
          numpy: "W_grad = x.T @ delta",
          reads: [x, delta, ...penaltyReads(layer, "W")],
          expression: ([i, j]) =>
            withPenalty(
              layer,
              "W",
              [i, j],
              sum(
                cases.map((n) => product(cell(x, [n, i]), cell(delta, [n, j]))),
                "n",
              ),
            ),
          influences: (key, at) =>
            key === x ? [[at[1], null]] : key === delta ? [[null, at[1]]] : [at],
        }
      : {
          ...common,
          target: `${name}.b_grad`,
          title: "The gradient of the biases",
          says: "A bias moves z as it is, so that its gradient is δ; the cases add up.",
          numpy: "b_grad = delta.sum(axis=0)",
          reads: [delta, ...penaltyReads(layer, "b")],
          expression: ([j]) =>
            withPenalty(
              layer,
              "b",
              [j],
              sum(
                cases.map((n) => cell(delta, [n, j])),
                "n",
              ),
            ),
          influences: (key, at) => (key === delta ? [[at[1]]] : [at]),
        },
  );
}

/** The rates of the penalties on a parameter.
 * @param {SceneLayer} layer @param {string} name */
const penaltyOn = (layer, name) =>
  layer.parameters.find((one) => one.name === name)?.penalty ?? {};

/** What the penalty of a parameter reads: the parameter itself.
 * @param {SceneLayer} layer @param {string} name @returns {string[]} */
export const penaltyReads = (layer, name) =>
  Object.keys(penaltyOn(layer, name)).length ? [`${layer.name}.${name}`] : [];

/** A gradient with what the penalties add to it: λ w, and λ sign(w).
 * @param {SceneLayer} layer @param {string} name @param {Place} at
 * @param {import("../expressions.js").Expression} gradient */
export function withPenalty(layer, name, at, gradient) {
  const { L1, L2 } = penaltyOn(layer, name);
  const w = cell(`${layer.name}.${name}`, at);
  const terms = [gradient];
  if (L2) terms.push(product(constant(L2, "λ"), w));
  if (L1) terms.push(product(constant(L1, "λ"), call("sign", Math.sign, w)));
  return terms.length > 1 ? sum(terms) : gradient;
}

/** @type {Family} */
export const DENSE = {
  forward: (_, layer) => [weightedSum(layer), ...activated(layer)],
  backward: (scene, layer) => [...throughActivation(layer), sentBack(scene, layer)],
  gradients,
};
