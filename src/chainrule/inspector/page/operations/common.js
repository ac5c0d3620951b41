/** What the operations of several types of layers have in common. */

import { derivativeOf, functionOf } from "../engine/activations.js";
import { call, cell, constant, curve, product, sum } from "../expressions.js";
import { hasZ, lengthOf, usesOf } from "../scene.js";

/**
 * @typedef {import("../arrays.js").Place} Place
 * @typedef {import("../arrays.js").Region} Region
 * @typedef {import("../expressions.js").Expression} Expression
 * @typedef {import("../scene.js").Scene} Scene
 * @typedef {import("../scene.js").SceneLayer} SceneLayer
 * @typedef {import("./operations.js").OperationRule} OperationRule
 */

/** The numbers 0 … n − 1. @param {number} n @returns {number[]} */
export const range = (n) => Array.from({ length: n }, (_, k) => k);

/** The key of what feeds a layer with one source.
 * @param {SceneLayer} layer @returns {string} */
export const fedBy = (layer) => `${layer.sources[0]}.out`;

/** The key of what a layer sends back to one of its sources: ∂L/∂output of the source, where that
 * has no other use, else this layer's own part of it.
 * @param {Scene} scene @param {SceneLayer} layer @param {number} [k] which source, from 0
 * @returns {string} */
export function sentTo(scene, layer, k = 0) {
  const source = layer.sources[k];
  if (usesOf(scene, source) === 1) return `${source}.J`;
  return `${layer.name}.sent${layer.sources.length > 1 ? `_${k + 1}` : ""}`;
}

/** The key of δ: ∂L/∂z.
 * @param {SceneLayer} layer @returns {string} */
export const deltaOf = (layer) => `${layer.name}.${hasZ(layer) ? "delta" : "J"}`;

/** The steps of a case that are no padding, of an array of sequences with this shape of a case.
 * @param {Scene} scene @param {number} n @param {number[]} shape @returns {number[]} */
const realSteps = (scene, n, shape) => range(lengthOf(scene, n, shape[0]));

/** Whether a place of an array of cases is padding.
 * @param {Scene} scene @param {number[]} shape of one case @param {Place} at @returns {boolean} */
export const isPadding = (scene, shape, at) =>
  shape.length === 2 && scene.lengths !== null && at[1] >= lengthOf(scene, at[0], shape[0]);

/** The sum over all cases, and over the real steps of each where the cases are sequences.
 * @param {Scene} scene @param {number[]} shape of one case
 * @param {(lead: Place) => Expression} term of the case, or of the case and the step @param {number} cases
 * @returns {Expression} */
export function sumOfCases(scene, shape, term, cases) {
  return sum(
    range(cases).map((n) =>
      shape.length < 2
        ? term([n])
        : sum(
            realSteps(scene, n, shape).map((s) => term([n, s])),
            "s",
          ),
    ),
    "n",
  );
}

/** The places of all cases, and of their real steps where the cases are sequences, at one place of
 * the last axis.
 * @param {Scene} scene @param {number[]} shape of one case @param {Region[number]} last
 * @returns {Region[]} */
export function ofAllCases(scene, shape, last) {
  if (shape.length < 2 || !scene.lengths) return [[...shape.map(() => null), last]];
  return scene.lengths.map((length, n) => [n, [0, length], last]);
}

/** a = φ(z), number by number; nothing for the identity.
 * @param {SceneLayer} layer @returns {OperationRule[]} */
export function activated(layer) {
  if (!hasZ(layer) || !layer.activation) return [];
  const { name } = layer;
  const { symbol, f } = functionOf(layer.activation);
  const slope = derivativeOf(layer.activation).f;
  return [
    {
      target: `${name}.out`,
      title: "The activation",
      says: "The activation turns the sum z of each unit into its output.",
      numpy: "a = phi(z)",
      reads: [`${name}.z`],
      expression: (at) => curve(symbol, f, slope, cell(`${name}.z`, at)),
      influences: (_, at) => [at],
    },
  ];
}

/** δ = ∂L/∂a · φ′(z), number by number; nothing for the identity, and where the loss gives δ itself.
 * @param {Scene} scene @param {SceneLayer} layer @returns {OperationRule[]} */
export function throughActivation(scene, layer) {
  if (!hasZ(layer) || !layer.activation) return [];
  if (scene.loss_from_logits && layer.name === scene.output) return [];
  const { name, z_shape } = layer;
  const { symbol, f } = derivativeOf(layer.activation);
  return [
    {
      target: `${name}.delta`,
      title: "Back through the activation",
      says: "δ says how the loss moves with z: how it moves with a, times the slope of the activation at this z.",
      numpy: "delta = J * phi_slope(z)",
      reads: [`${name}.J`, `${name}.z`],
      expression: (at) =>
        isPadding(scene, z_shape, at)
          ? constant(0)
          : product(cell(`${name}.J`, at), call(symbol, f, cell(`${name}.z`, at))),
      influences: (_, at) => (isPadding(scene, z_shape, at) ? [] : [at]),
    },
  ];
}

/** The gradient of a parameter with what its penalties add to it: λ w, and λ sign(w).
 * @param {SceneLayer} layer @param {OperationRule} rule of the gradient by the cases
 * @returns {OperationRule} */
export function withPenalty(layer, rule) {
  const key = rule.target.replace(/_grad$/, "");
  const { penalty = {} } =
    layer.parameters.find(({ name }) => `${layer.name}.${name}` === key) ?? {};
  const { L1, L2 } = penalty;
  if (!L1 && !L2) return rule;
  return {
    ...rule,
    reads: [...rule.reads, key],
    expression: (at) => {
      const w = cell(key, at);
      const terms = [rule.expression(at)];
      if (L2) terms.push(product(constant(L2, "λ"), w));
      if (L1) terms.push(product(constant(L1, "λ"), call("sign", Math.sign, w)));
      return sum(terms);
    },
    influences: (read, at) => (read === key ? [at] : rule.influences(read, at)),
  };
}

/** The sum of a term of every cell of an array, an index an axis.
 * @param {string} key @param {number[]} shape @param {(w: Expression) => Expression} term
 * @param {Place} [at] @returns {Expression} */
export function sumOfAll(key, shape, term, at = []) {
  const axis = at.length;
  if (axis === shape.length) return term(cell(key, at));
  return sum(
    range(shape[axis]).map((k) => sumOfAll(key, shape, term, [...at, k])),
    "ijkl"[axis],
  );
}
