/**
 * What there is to see: the description of the network, its data and its arrays, as Python sends it.
 *
 * @typedef {Object} Parameter
 * @property {string} name such as W
 * @property {number[]} shape
 * @property {boolean} trained
 * @property {boolean} is_bias whether a decay of the weights spares it: biases, γ, β, starts
 * @property {number} rate the learning rate, times the schedule's factor
 * @property {{L1?: number, L2?: number}} penalty
 *
 * @typedef {{type: string, [option: string]: any}} Named  a part by its name, with its options
 *
 * @typedef {Object} SceneLayer  in the order of the forward pass
 * @property {string} name such as dense_1
 * @property {string} type such as dense; "" of a class of the user's own
 * @property {number} number counted from 1
 * @property {string[]} sources names of layers, or "input"
 * @property {number[]} input_shape of one case
 * @property {number[]} z_shape
 * @property {number[]} output_shape
 * @property {Named | null} activation null where it has none
 * @property {Named} options as a configuration writes the layer, defaults included
 * @property {boolean} at_each_step whether a layer of rows is applied to each step of a sequence
 * @property {boolean} by_formula whether the page has a formula of it (false: a class of the user's own)
 * @property {Parameter[]} parameters
 *
 * @typedef {Object} ArrayInfo
 * @property {string} key such as dense_1.W_grad
 * @property {string} layer its layer's name; "input", or "loss"
 * @property {string} name such as W_grad
 * @property {"value" | "gradient" | "parameter" | "parameter_gradient" | "update"} role
 * @property {string} letter as formulas write it, without layer and place, such as W, a, δ, ∂L/∂W
 * @property {number[]} shape
 * @property {boolean} cases whether its first axis counts the cases
 * @property {string} says what it is, in one sentence
 *
 * @typedef {{mean: number[], scale: number[]}} Scaling  for each number of a case; a value in the
 *   user's unit is scaled · scale + mean
 *
 * @typedef {Object} TableColumn
 * @property {string} name
 * @property {"number" | "one_hot" | "integer"} kind
 * @property {[number, number]} inputs the index of its first input, and how many there are
 * @property {string[]} categories in the order of the inputs or of the numbers; none of numbers
 * @property {boolean} has_indicator whether its last input is 1 where the cell is missing
 *
 * @typedef {Object} Scene
 * @property {number} version
 * @property {string} title
 * @property {string[]} notes
 * @property {{inputs: string[] | null, outputs: string[] | null, classes: string[] | null,
 *   target: string | null}} names classes: two of them where there is one output; target: the label's
 * @property {{number: number, label: string}[]} cases number: in the data, counted from 0
 * @property {number} case the index of the case to look at first
 * @property {{inputs: Scaling | null, targets: Scaling | null}} scaling
 * @property {TableColumn[] | null} columns null where the inputs are of no table
 * @property {Record<string, string>} words what the signs in formulas mean
 * @property {number[]} input_shape
 * @property {number[] | null} image height and width, where rows of inputs are grey images
 * @property {number[] | null} lengths how many steps of each case are real; null: none is padding
 * @property {number[][] | null} targets for each case the steps that have a target; null: all have
 * @property {Named} loss
 * @property {boolean} loss_from_logits
 * @property {number | null} loss_value null where the loss is not finite
 * @property {Named} optimizer
 * @property {number | null} clip_norm the largest norm of the whole gradient; null for any
 * @property {string} output the name of the last layer
 * @property {SceneLayer[]} layers
 * @property {ArrayInfo[]} arrays in the order in which they are computed
 * @property {import("./frames.js").Film | null} film of the training
 * @property {PlaneTold | null} plane
 * @property {BugTold[]} bugs those that change something here, in the order in which they are offered
 *
 * @typedef {Object} BugTold  a bug that can be planted into the backward pass
 * @property {string} name as `view.bugs` holds it
 * @property {string} title what is wrong, in a few words
 * @property {string} sentence what went wrong, in the words of someone who made it
 * @property {string} rule the rule that it violates
 * @property {string} hint where to look; it does not give the bug away
 * @property {string} right the right rule as a line of NumPy
 * @property {string} wrong the wrong rule as a line of NumPy
 *
 * @typedef {Object} PlaneTold  what is drawn into a plane of two inputs, as the network sees them
 * @property {[number, number]} axes the two inputs that are shown first
 * @property {[number, number][]} ranges for each input the lowest and the highest value of a plane
 * @property {number[][]} points cases of the training data
 * @property {number[]} labels of each the number of its class, or its first target
 * @property {string[] | null} classes
 */

/** The layer of a name.
 * @param {Scene} scene @param {string} name @returns {SceneLayer} */
export function layerNamed(scene, name) {
  const found = scene.layers.find((layer) => layer.name === name);
  if (!found) throw new Error(`there is no layer ${name}`);
  return found;
}

/** How often the output of a layer, or "input", is used: a join may take it twice.
 * @param {Scene} scene @param {string} name @returns {number} */
export function usesOf(scene, name) {
  return scene.layers.flatMap((layer) => layer.sources).filter((one) => one === name).length;
}

/** The shape of what a layer, or "input", gives for one case.
 * @param {Scene} scene @param {string} name @returns {number[]} */
export const outputShapeOf = (scene, name) =>
  name === "input" ? scene.input_shape : layerNamed(scene, name).output_shape;

/** Whether a layer has z and δ of its own: its activation is not the identity.
 * @param {SceneLayer} layer @returns {boolean} */
export const hasZ = (layer) => layer.activation !== null && layer.activation.type !== "linear";

/** How many cases there are.
 * @param {Scene} scene @returns {number} */
export const countOfCases = (scene) => infoOf(scene, "input.out")?.shape[0] ?? 0;

/** The arrays of scenes by key. @type {WeakMap<Scene, Map<string, ArrayInfo>>} */
const INFOS = new WeakMap();

/** What is known of an array; undefined where there is none.
 * @param {Scene} scene @param {string} key @returns {ArrayInfo | undefined} */
export function infoOf(scene, key) {
  let infos = INFOS.get(scene);
  if (!infos) {
    infos = new Map(scene.arrays.map((info) => [info.key, info]));
    INFOS.set(scene, infos);
  }
  return infos.get(key);
}

/** How many of the steps of a case are not padding.
 * @param {Scene} scene @param {number} n the case @param {number} steps of a case, padding included
 * @returns {number} */
export const lengthOf = (scene, n, steps) => scene.lengths?.[n] ?? steps;
