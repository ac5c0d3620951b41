import { cell, sum } from "../expressions.js";
import { usesOf } from "../scene.js";
import { sentTo, withPenalty } from "./common.js";
import { DENSE } from "./dense.js";
import { FILTERED } from "./images.js";
import { lossBackward, lossForward } from "./loss.js";
import { NORMALIZED } from "./normalization.js";
import { AVERAGE_POOL2D, GLOBAL_AVERAGE_POOL2D, MAX_POOL2D } from "./pooling.js";
import { ROWS_FAMILIES } from "./rows.js";
import { WITH_STATES } from "./sequences.js";
import { clipping, updatesOf } from "./update.js";

/**
 * The operations of a pass in order: forward, backward, gradients, update.
 *
 * An operation computes one array. Its expression says for each cell from which cells it follows;
 * tests evaluate every expression from the arrays that Python computed.
 *
 * @typedef {import("../arrays.js").Place} Place
 * @typedef {import("../arrays.js").Region} Region
 * @typedef {import("../expressions.js").Expression} Expression
 * @typedef {import("../scene.js").Scene} Scene
 * @typedef {import("../scene.js").SceneLayer} SceneLayer
 *
 * @typedef {Object} Operation
 * @property {string} target the key of the array that it computes; also its identity
 * @property {string} layer the name of its layer; "loss" for the loss
 * @property {"forward" | "backward" | "gradients" | "update"} phase
 * @property {string} title such as "The sum z of each unit"
 * @property {string} says why and how, in one or two plain sentences
 * @property {string} numpy the same for the whole array as a line of NumPy, such as "z = x @ W + b"
 * @property {string[]} reads keys of the arrays that its expressions read
 * @property {(at: Place) => Expression} expression what the cell at this place of the target is
 * @property {(key: string, at: Place) => Region[]} influences the cells of the target whose
 *   expressions read this cell of `key`
 *
 * @typedef {Omit<Operation, "layer" | "phase">} OperationRule  an operation as a family of layers
 *   describes it, which does not say again of which layer and phase it is
 */

/**
 * What a family of layers offers for its operations: a function a type of layer, which returns the
 * operations of one phase.
 *
 * @typedef {Object} Family
 * @property {(scene: Scene, layer: SceneLayer) => OperationRule[]} forward
 * @property {(scene: Scene, layer: SceneLayer) => OperationRule[]} backward to δ and to what it sends
 * @property {(scene: Scene, layer: SceneLayer) => OperationRule[]} [gradients] of its parameters, without the
 *   penalty, which is added to all alike
 * @property {(scene: Scene, layer: SceneLayer) => OperationRule[]} [update] of what no gradient moves
 */

/** @type {Record<string, Family>} */
const FAMILIES = {
  dense: DENSE,
  ...WITH_STATES,
  conv2d: FILTERED,
  locally_connected2d: FILTERED,
  max_pool2d: MAX_POOL2D,
  average_pool2d: AVERAGE_POOL2D,
  global_average_pool2d: GLOBAL_AVERAGE_POOL2D,
  batch_norm: NORMALIZED,
  layer_norm: NORMALIZED,
  ...ROWS_FAMILIES,
};

/** The operations of a scene, in the order in which they are computed.
 * @param {Scene} scene @returns {Operation[]} */
export function operationsOf(scene) {
  const known = scene.layers.filter((layer) => layer.by_formula && layer.type in FAMILIES);
  const rulesOf = (/** @type {SceneLayer} */ layer, /** @type {keyof Family} */ part) =>
    (known.includes(layer) && FAMILIES[layer.type][part]?.(scene, layer)) || [];
  return [
    ...known.flatMap((layer) => placed("forward", layer.name, rulesOf(layer, "forward"))),
    ...placed("forward", "loss", lossForward(scene)),
    ...placed("backward", scene.output, lossBackward(scene)),
    ...scene.layers.toReversed().flatMap((layer) => {
      const rules = [...sumOfUses(scene, layer.name), ...rulesOf(layer, "backward")];
      return placed("backward", layer.name, rules);
    }),
    ...placed("backward", "input", sumOfUses(scene, "input")),
    ...known.flatMap((layer) => {
      const rules = rulesOf(layer, "gradients").map((rule) => withPenalty(layer, rule));
      return placed("gradients", layer.name, rules);
    }),
    ...known.flatMap((layer) => placed("update", layer.name, rulesOf(layer, "update"))),
    ...placed("update", "loss", clipping(scene)),
    ...scene.layers.flatMap((layer) => placed("update", layer.name, updatesOf(scene, layer))),
  ];
}

/** The operations of a phase and a layer.
 * @param {Operation["phase"]} phase @param {string} layer its name, "input" or "loss"
 * @param {OperationRule[]} rules @returns {Operation[]} */
const placed = (phase, layer, rules) => rules.map((rule) => ({ ...rule, phase, layer }));

/** J of an output with several uses: what they send back, added up. Nothing of one with a single use.
 * @param {Scene} scene @param {string} name of a layer, or "input" @returns {OperationRule[]} */
function sumOfUses(scene, name) {
  if (usesOf(scene, name) < 2) return [];
  const parts = scene.layers.flatMap((layer) =>
    layer.sources.flatMap((source, k) => (source === name ? [sentTo(scene, layer, k)] : [])),
  );
  return [
    {
      target: `${name}.J`,
      title: "The ways add up",
      says: "These numbers are used in several places, and move the loss through each of them.",
      numpy: `J = ${parts.join(" + ")}`,
      reads: parts,
      expression: (at) => sum(parts.map((part) => cell(part, at))),
      influences: (_, at) => [at],
    },
  ];
}
