/**
 * What edits change of a scene and of the arrays that a pass begins with, in the page's own passes;
 * Python does the same to its network. Numbers are the network's own, in its units.
 *
 * @typedef {import("./arrays.js").NdArray} NdArray
 * @typedef {import("./scene.js").Scene} Scene
 * @typedef {import("./scene.js").SceneLayer} SceneLayer
 * @typedef {import("./store.js").Edit} Edit
 * @typedef {{scene: Scene, arrays: Map<string, NdArray>}} Beginning  the parameters, input.out,
 *   loss.t, loss.weights and the masks of dropout: what the other arrays follow from
 */
import { flatIndex, ndarray, sizeOf } from "./arrays.js";
import { infoOf } from "./scene.js";

/** The activations by name, with their options as they are by default.
 * @type {Record<string, Record<string, number>>} */
export const ACTIVATION_OPTIONS = {
  linear: {},
  sigmoid: {},
  tanh: {},
  relu: {},
  leaky_relu: { slope: 0.01 },
  elu: { alpha: 1 },
  selu: {},
  gelu: {},
  silu: {},
  mish: {},
  softplus: {},
  softsign: {},
};

/** Why the activation of a layer cannot be another; null where it can.
 * @param {Scene} scene @param {SceneLayer} layer @returns {string | null} */
export function keepsActivation(scene, layer) {
  if (!layer.activation) return `${layer.name} has no activation that could be another.`;
  if (!layer.by_formula) return `The page has no formula of ${layer.name}, a class of your own.`;
  if (layer.name === scene.output && scene.loss.type === "binary_cross_entropy") {
    return "The loss, binary cross-entropy, needs the outputs of a sigmoid.";
  }
  return null;
}

/** The cases that there are to choose from, with their labels.
 * @param {Scene} scene the page's own, before any edit @param {Edit[]} edits
 * @returns {{number: number, label: string}[]} */
export function casesAfter(scene, edits) {
  const found = edits.findLast((edit) => edit.kind === "cases");
  return found ? found.labels.map((label, number) => ({ number, label })) : scene.cases;
}

/** An array that may be written into, in place of the one in the map.
 * @param {Map<string, NdArray>} arrays @param {string} key @returns {NdArray} */
function ownArray(arrays, key) {
  const found = arrays.get(key);
  if (!found) throw new Error(`There is no array ${key} here.`);
  const copy = { shape: found.shape, data: found.data.slice() };
  arrays.set(key, copy);
  return copy;
}

/** @param {Map<string, NdArray>} arrays @param {string} key @param {number[]} at
 * @param {number} value */
function putNumber(arrays, key, at, value) {
  const array = ownArray(arrays, key);
  if (at.length !== array.shape.length || at.some((k, axis) => k >= array.shape[axis])) {
    throw new Error(`There is no place ${at.map((k) => k + 1)} in ${key}.`);
  }
  array.data[flatIndex(array.shape, at)] = value;
}

/** The scene with other values in some entries of a layer.
 * @param {Scene} scene @param {string} name @param {Partial<SceneLayer>} changes @returns {Scene} */
const withLayer = (scene, name, changes) => ({
  ...scene,
  layers: scene.layers.map((layer) => (layer.name === name ? { ...layer, ...changes } : layer)),
});

/** Other cases in place of those that there are. A mask of dropout is taken again from its first row
 * where there are more.
 * @param {Beginning} beginning @param {Extract<Edit, {kind: "cases"}>} edit @returns {Beginning} */
function withCases({ scene, arrays }, { x, t, labels }) {
  const count = labels.length;
  const whole = (/** @type {string} */ key, /** @type {number[][]} */ rows) => {
    const shape = [count, .../** @type {NdArray} */ (arrays.get(key)).shape.slice(1)];
    arrays.set(key, ndarray(shape, rows.flat()));
  };
  whole("input.out", x);
  whole("loss.t", t);
  arrays.delete("loss.weights");
  for (const [key, { shape, data }] of arrays) {
    if (!isMask(key)) continue;
    const width = data.length / shape[0];
    const rows = Float64Array.from({ length: count * width }, (_, k) => data[k % data.length]);
    arrays.set(key, ndarray([count, ...shape.slice(1)], rows));
  }
  requireCases(scene, count);
  const cases = labels.map((label, number) => ({ number, label }));
  return { scene: { ...scene, cases }, arrays };
}

/** @param {string} key */
const isMask = (key) => key.endsWith(".mask");

/** One case alone. The masks of dropout are those of a first case, as for Python, which draws them anew.
 * @param {Beginning} beginning @param {number} n @returns {Beginning} */
function withOneCase({ scene, arrays }, n) {
  if (!scene.cases[n]) throw new Error(`There is no case ${n + 1} among these.`);
  requireCases(scene, 1);
  for (const [key, { shape, data }] of arrays) {
    if (infoOf(scene, key)?.role === "parameter") continue;
    const width = data.length / shape[0];
    const start = isMask(key) ? 0 : n * width;
    arrays.set(key, ndarray([1, ...shape.slice(1)], data.slice(start, start + width)));
  }
  return { scene: { ...scene, cases: [scene.cases[n]] }, arrays };
}

/** Refuse fewer cases than a layer needs together.
 * @param {Scene} scene @param {number} count */
function requireCases(scene, count) {
  const layer = scene.layers.find(
    ({ type, input_shape, at_each_step }) =>
      type === "batch_norm" && (at_each_step || sizeOf(input_shape.slice(1)) === 1),
  );
  if (layer && count < 2) {
    throw new Error(`${layer.name} takes the mean over the cases, and needs at least 2 of them.`);
  }
}

/** @param {Beginning} beginning @param {Edit} edit @returns {Beginning} */
function withOneEdit(beginning, edit) {
  const { scene, arrays } = beginning;
  if (edit.kind === "cases") return withCases(beginning, edit);
  if (edit.kind === "activation") {
    const layer = scene.layers.find((one) => one.name === edit.layer);
    const reason = layer ? keepsActivation(scene, layer) : `There is no layer ${edit.layer}.`;
    if (reason) throw new Error(reason);
    if (!Object.hasOwn(ACTIVATION_OPTIONS, edit.value)) {
      throw new Error(`There is no activation ${edit.value}.`);
    }
    const activation = { type: edit.value, ...ACTIVATION_OPTIONS[edit.value] };
    return { scene: withLayer(scene, edit.layer, { activation }), arrays };
  }
  const key = { parameter: "", input: "input.out", target: "loss.t" }[edit.kind];
  putNumber(arrays, edit.kind === "parameter" ? edit.key : key, edit.at, edit.value);
  return beginning;
}

/** What a pass begins with, once edited.
 * @param {Scene} scene @param {Map<string, NdArray>} arrays every array before any edit
 * @param {Edit[]} edits @param {number | null} only the case that is passed alone
 * @returns {Beginning} @throws {Error} an edit does not fit, in a sentence */
export function beginningOf(scene, arrays, edits, only) {
  const kept = [...arrays].filter(
    ([key]) =>
      ["input.out", "loss.t", "loss.weights"].includes(key) ||
      isMask(key) ||
      infoOf(scene, key)?.role === "parameter",
  );
  let found = edits.reduce(withOneEdit, { scene, arrays: new Map(kept) });
  requireTargets(found);
  requireClassNumbers(found);
  if (only !== null) found = withOneCase(found, only);
  return found;
}

/** Refuse targets that the loss cannot take.
 * @param {Beginning} beginning */
function requireTargets({ scene, arrays }) {
  const t = arrays.get("loss.t");
  if (!t) return;
  const { type } = scene.loss;
  const width = t.shape.at(-1) ?? 1;
  for (let start = 0; start < t.data.length; start += width) {
    const row = t.data.subarray(start, start + width);
    if (Number.isNaN(row[0])) continue; // a step without a target
    const total = row.reduce((sum, one) => sum + one, 0);
    const areShares = row.every((one) => one >= 0 && one <= 1);
    if (type === "cross_entropy" && !(areShares && Math.abs(total - 1) <= 1e-5)) {
      throw new Error("The targets of cross-entropy are a distribution: at least 0, with sum 1.");
    }
    if (type === "hinge" && !(row.every((one) => one === 0 || one === 1) && total === 1)) {
      throw new Error("The targets of the hinge loss are one-hot: a single 1 and otherwise 0.");
    }
    if (type === "binary_cross_entropy" && !areShares) {
      throw new Error("The targets of binary cross-entropy lie between 0 and 1.");
    }
  }
}

/** Refuse inputs of an embedding that are no numbers of its classes.
 * @param {Beginning} beginning */
function requireClassNumbers({ scene, arrays }) {
  const layer = scene.layers.find((one) => one.type === "embedding");
  if (!layer) return;
  const count = layer.parameters[0]?.shape[0] ?? 0;
  const fits = (/** @type {number} */ x) =>
    Number.isNaN(x) || (Number.isInteger(x) && x >= -1 && x < count);
  if (!arrays.get("input.out")?.data.every(fits)) {
    throw new Error(`The inputs are numbers of classes: whole, from 0 to ${count - 1}.`);
  }
}
