/**
 * A forward and a backward pass and the update in JavaScript, for edits in a page without a server.
 *
 * It computes the arrays that `passes.py` records, under the same keys, and is held against them.
 *
 * @typedef {import("../arrays.js").NdArray} NdArray
 * @typedef {import("../scene.js").Scene} Scene
 * @typedef {import("../scene.js").SceneLayer} SceneLayer
 * @typedef {import("./at.js").Engine} Engine
 * @typedef {import("./at.js").EngineBug} EngineBug
 * @typedef {Map<string, NdArray>} Arrays
 */

import { ndarray, sizeOf } from "../arrays.js";
import { AtLayer, overflowIsInf, paddingOf, withNaN, withoutNaN, zeroAt } from "./at.js";
import { FILTER_ENGINES } from "./images.js";
import { addLoss, lossOfOutputs } from "./loss.js";
import { LOSSES } from "./losses.js";
import { NORMALIZED_ENGINES } from "./normalization.js";
import { POOL_ENGINES } from "./pooling.js";
import { ROWS_ENGINES } from "./rows.js";
import { sceneAfter } from "./scene_after.js";
import { statesBackward, statesForward } from "./sequences.js";
import { addPenalties, updateFrom } from "./update.js";

/** @type {Engine} */
const WITH_STATES_ENGINE = {
  forward: statesForward,
  backward: (at, J) => statesBackward(at, J, at.x, at.array("out")),
};

/** @type {Record<string, Engine>} */
const ENGINES = {
  ...ROWS_ENGINES,
  ...FILTER_ENGINES,
  ...POOL_ENGINES,
  ...NORMALIZED_ENGINES,
  recurrent: WITH_STATES_ENGINE,
  lstm: WITH_STATES_ENGINE,
  gru: WITH_STATES_ENGINE,
};

/** Why the engine cannot compute the passes of a scene, as a sentence; null if it can.
 * @param {Scene} scene @returns {string | null} */
export function reasonAgainst(scene) {
  const own = scene.layers.find((layer) => !layer.by_formula || !(layer.type in ENGINES));
  if (own) return `${own.name} has a class or an activation of your own; only Python computes it.`;
  if (!(scene.loss.type in LOSSES))
    return "The loss is one of your own, which only Python can compute.";
  return null;
}

/** Both passes and the update.
 * @param {Scene} scene @param {Arrays} given the arrays of an earlier pass, with what is edited; of
 *   these it reads the inputs, targets, weights, parameters and masks
 * @param {EngineBug[]} [bugs] @returns {{arrays: Arrays, loss: number, scene: Scene}} */
export function pass(scene, given, bugs = []) {
  const { arrays, places, padded } = walkForward(scene, given, bugs);
  const loss = addLoss(scene, given, arrays);
  walkBackward(scene, arrays, places);
  for (const at of places) addPenalties(at);
  for (const [key, array] of updateFrom(scene, arrays)) {
    arrays.delete(key); // so that the arrays of the update come last
    arrays.set(key, array);
  }
  return { arrays, loss, scene: sceneAfter(scene, arrays, padded) };
}

/** The forward pass alone.
 * @param {Scene} scene @param {Arrays} given see `pass` @returns {Arrays} */
export const forward = (scene, given) => walkForward(scene, given, []).arrays;

/** @param {Scene} scene @param {Arrays} given @param {EngineBug[]} bugs */
function walkForward(scene, given, bugs) {
  const x = /** @type {NdArray} */ (given.get("input.out"));
  /** @type {Arrays} */
  const arrays = new Map([["input.out", x]]);
  const padded = paddingOf(x);
  const places = scene.layers.map((layer) => {
    const at = new AtLayer(scene, layer, arrays, given, bugs);
    for (const { name } of layer.parameters) {
      const values = at.givenArray(name);
      if (values) at.keep(name, values);
    }
    at.x = gathered(at);
    at.padded = at.x.shape.length === 3 || layer.output_shape.length === 2 ? padded : null;
    at.keep("out", layer.at_each_step ? atEachStep(at) : ENGINES[layer.type].forward(at, at.x));
    return at;
  });
  return { arrays, places, padded };
}

/** The output of a layer of rows, applied to each step: NaN at padding and nowhere else.
 * @param {AtLayer} at @returns {NdArray} */
function atEachStep(at) {
  if (at.padded) at.x = withoutNaN(at.x, at.padded);
  const out = overflowIsInf(ENGINES[at.layer.type].forward(at, at.x), null);
  return at.padded ? withNaN(out, at.padded) : out;
}

/** The input of a layer: of a join, its sources' numbers one behind the other for each case.
 * @param {AtLayer} at @returns {NdArray} */
function gathered(at) {
  const { sources } = at.layer;
  const parts = sources.map((name) => /** @type {NdArray} */ (at.arrays.get(`${name}.out`)));
  if (parts.length === 1) return parts[0];
  const cases = parts[0].shape[0];
  const found = ndarray([cases, ...at.layer.input_shape]);
  const row = sizeOf(at.layer.input_shape);
  let start = 0;
  for (const { data } of parts) {
    const width = data.length / cases;
    for (let n = 0; n < cases; n++)
      found.data.set(data.subarray(n * width, (n + 1) * width), n * row + start);
    start += width;
  }
  return found;
}

/** @param {Scene} scene @param {Arrays} arrays @param {AtLayer[]} places */
function walkBackward(scene, arrays, places) {
  const uses = scene.layers.flatMap((layer) => layer.sources);
  /** @type {Arrays} */
  const received = new Map();
  for (const at of places.toReversed()) {
    const { layer } = at;
    let J = /** @type {NdArray} */ (received.get(layer.name));
    if (layer.name === scene.output) {
      const found = lossOfOutputs(scene, arrays);
      at.deltaOfLoss = found.delta;
      J = found.J;
    }
    J = at.rightOrWrong("J", J);
    at.keep("J", J);
    let sent = ENGINES[layer.type].backward(at, J);
    if (layer.at_each_step && at.padded) sent = zeroAt(sent, at.padded);
    const parts = divided(at, at.rightOrWrong("sent", sent));
    parts.forEach((part, k) => {
      const source = layer.sources[k];
      if (uses.filter((one) => one === source).length > 1)
        at.keep(parts.length === 1 ? "sent" : `sent_${k + 1}`, part);
      const before = received.get(source);
      received.set(source, before ? plus(before, part) : part);
    });
  }
  arrays.set("input.J", /** @type {NdArray} */ (received.get("input")));
}

/** ∂L/∂input of a layer as one array for each source, in the source's shape.
 * @param {AtLayer} at @param {NdArray} sent @returns {NdArray[]} */
function divided(at, sent) {
  const { sources } = at.layer;
  const shapes = sources.map(
    (name) => /** @type {NdArray} */ (at.arrays.get(`${name}.out`)).shape,
  );
  if (sources.length === 1) return [ndarray(shapes[0], sent.data)];
  const row = sent.data.length / at.cases;
  let start = 0;
  return shapes.map((shape) => {
    const part = ndarray(shape);
    const width = part.data.length / at.cases;
    for (let n = 0; n < at.cases; n++)
      part.data.set(sent.data.subarray(n * row + start, n * row + start + width), n * width);
    start += width;
    return part;
  });
}

/** @param {NdArray} a @param {NdArray} b @returns {NdArray} */
function plus(a, b) {
  return ndarray(
    a.shape,
    a.data.map((one, k) => one + b.data[k]),
  );
}
