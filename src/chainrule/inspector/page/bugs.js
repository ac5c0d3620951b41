/**
 * Bugs that can be planted into the backward pass: the wrong rules by name, for the page's own
 * engine. What is said of each comes with the scene; `inspector/bugs` has the same rules in Python.
 *
 * @typedef {import("./arrays.js").NdArray} NdArray
 * @typedef {import("./engine/at.js").AtLayer} AtLayer
 * @typedef {import("./engine/at.js").EngineBug} EngineBug
 *
 * @typedef {(at: AtLayer, right: NdArray, stage: string) => NdArray | null} WrongRule
 * @typedef {Object} Wrong
 * @property {string[]} stages where the wrong rule stands; "grad" and "penalty": of every parameter
 * @property {WrongRule} instead null where the layer is none of its kind
 */

import { ndarray } from "./arrays.js";
import { derivativeOf } from "./engine/activations.js";
import { GATE_SUMS, stateBeforeStep } from "./engine/sequences.js";
import { hasZ } from "./scene.js";
import { indicesIn, linesUnder, lineUnder, windowsOf } from "./windows.js";

const FILTER_TYPES = ["conv2d", "locally_connected2d"];
const STATE_TYPES = ["recurrent", "lstm", "gru"];

/** The same array with each number made anew.
 * @param {NdArray} array @param {(value: number, k: number) => number} f @returns {NdArray} */
const mapped = ({ shape, data }, f) => ndarray(shape, data.map(f));

/** @param {NdArray} array @returns {NdArray} */
const zeros = (array) => ndarray(array.shape);

/** 0 for NaN, which stands at padding. @param {number} value */
const orZero = (value) => (Number.isNaN(value) ? 0 : value);

/** The parameter whose gradient, or penalty, a stage is of. @param {string} stage */
const parameterOf = (stage) => stage.slice(0, stage.lastIndexOf("_"));

/** @param {string} stage */
const isBias = (stage) => ["b", "b_hn"].includes(parameterOf(stage));

/** @param {AtLayer} at */
const isLast = (at) => at.layer.name === at.scene.output;

/** Whether the loss gives δ of the layer, so that no slope is used. @param {AtLayer} at */
const isGiven = (at) => isLast(at) && at.deltaOfLoss !== null;

/** @param {AtLayer} at @param {string} name */
const hasArray = (at, name) => at.arrays.has(`${at.layer.name}.${name}`);

/** δ, whether right or wrong. @param {AtLayer} at */
const deltaIn = (at) => at.array(hasArray(at, "delta") ? "delta" : "J");

/** What the loss gives, times a factor. @param {(cases: number) => number} factor
 * @returns {Wrong} */
const atTheLoss = (factor) => ({
  stages: ["J", "delta"],
  instead: (at, right, stage) => {
    if (stage === "J" ? !isLast(at) : !isGiven(at)) return null;
    return mapped(right, (value) => value * factor(at.cases));
  },
});

// φ

/** ∂L/∂a times another slope than φ′(z).
 * @param {(at: AtLayer) => ((k: number) => number) | null} slopeOf @returns {Wrong} */
const withSlope = (slopeOf) => ({
  stages: ["delta", "slopes"],
  instead: (at, right, stage) => {
    if (isGiven(at) || !(hasZ(at.layer) || stage === "slopes")) return null;
    const slope = slopeOf(at);
    if (!slope) return null;
    if (stage === "slopes") return mapped(right, (_, k) => slope(k));
    const J = at.array("J").data;
    return mapped(right, (_, k) => J[k] * slope(k));
  },
});

/** @param {AtLayer} at @returns {(k: number) => number} */
function slopeAtOutput(at) {
  const a = at.array(hasArray(at, "h") ? "h" : "out").data;
  const { f } = derivativeOf(at.layer.activation ?? { type: "linear" });
  return (k) => f(orZero(a[k]));
}

/** @param {AtLayer} at @returns {((k: number) => number) | null} */
function formulaAtZ(at) {
  const type = at.layer.activation?.type;
  if (type !== "tanh" && type !== "sigmoid") return null;
  const z = at.array("z").data;
  return (k) => {
    const one = orZero(z[k]);
    return type === "tanh" ? 1 - one * one : one * (1 - one);
  };
}

// W on the way back

/** @param {AtLayer} at */
const learnsW = (at) => at.layer.parameters.find((one) => one.name === "W" && one.trained);

/** @param {(at: AtLayer, W: NdArray) => NdArray | null} other @returns {Wrong} */
const backBy = (other) => ({ stages: ["W_back"], instead: other });

/** The transposed of a square matrix. @param {NdArray} W @returns {NdArray} */
function transposed({ shape, data }) {
  const [rows, columns] = shape;
  return ndarray(
    [columns, rows],
    data.map((_, k) => data[(k % rows) * columns + Math.floor(k / rows)]),
  );
}

/** Each filter turned round in rows and columns. @param {NdArray} W @returns {NdArray} */
function turned({ shape, data }) {
  const [rows, columns] = shape.slice(-2);
  const size = rows * columns;
  return ndarray(
    shape,
    data.map((_, k) => data[k - (k % size) + size - 1 - (k % size)]),
  );
}

// Gradients of parameters

/** The layer's own output in place of its input: aᵀ δ. @type {WrongRule} */
function ownOutput(at, right) {
  const [inputs, outputs] = right.shape;
  if (at.layer.type !== "dense" || inputs !== outputs) return null;
  const a = at.array("out").data;
  const delta = deltaIn(at).data;
  const found = zeros(right);
  for (let row = 0; row < a.length; row += outputs)
    for (let i = 0; i < outputs; i++)
      for (let j = 0; j < outputs; j++)
        found.data[i * outputs + j] += orZero(a[row + i]) * delta[row + j];
  return found;
}

/** δ of the first case alone. @type {WrongRule} */
function biasOfFirstCase(at, right) {
  const { type } = at.layer;
  if (type !== "dense" && type !== "conv2d") return null;
  const delta = deltaIn(at);
  const found = zeros(right);
  const [units, each] = [right.data.length, delta.data.length / at.cases];
  for (let k = 0; k < each; k++)
    found.data[type === "dense" ? k % units : Math.floor(k / (each / units))] += delta.data[k];
  return found;
}

/** @param {AtLayer} at */
const isFirstToLearn = ({ scene, layer }) =>
  scene.layers.find(({ parameters }) => parameters.some((one) => one.trained))?.name ===
  layer.name;

/** The L2 rate of the weights on the biases as well. @type {WrongRule} */
function onBiases(at, right, stage) {
  const of = (/** @type {string} */ name) => at.layer.parameters.find((one) => one.name === name);
  const rate = of("W")?.penalty.L2;
  if (parameterOf(stage) !== "b" || !rate || Object.keys(of("b")?.penalty ?? {}).length)
    return null;
  const b = at.array("b").data;
  return mapped(right, (value, k) => value + rate * b[k]);
}

// Softmax, dropout, embedding, joins

/** @param {string} type @param {(at: AtLayer) => (J: number, k: number) => number} each
 * @returns {Wrong} */
const sentBy = (type, each) => ({
  stages: ["sent"],
  instead: (at, right) =>
    at.layer.type === type ? ndarray(right.shape, at.array("J").data.map(each(at))) : null,
});

/** Of several uses of a class the last one alone. @type {WrongRule} */
function assignedVectors(at, right) {
  const size = right.shape[1];
  const J = at.array("J").data;
  const found = zeros(right);
  at.x.data.forEach((one, k) => {
    if (one >= 0 && !at.padded?.[k])
      found.data.set(J.subarray(k * size, (k + 1) * size), Math.round(one) * size);
  });
  return found;
}

/** Of what several consumers send, the last in the backward pass alone. @type {WrongRule} */
function assignedSum(at, right) {
  const uses = at.scene.layers
    .toReversed()
    .flatMap(({ name, sources }) =>
      sources.flatMap((source, k) =>
        source === at.layer.name
          ? [`${name}.${sources.length > 1 ? `sent_${k + 1}` : "sent"}`]
          : [],
      ),
    );
  if (uses.length < 2) return null;
  const last = /** @type {NdArray} */ (at.arrays.get(uses[uses.length - 1]));
  return ndarray(right.shape, last.data);
}

// Max pooling

/** Go through all windows of a max pool: the flat index of the window's output, and that of the
 * first number of its image.
 * @param {AtLayer} at @param {(k: number, image: number, i: number, j: number) => void} tell */
function eachWindow(at, tell) {
  const [rows, columns] = windowsOf(at.layer);
  const images = at.cases * at.layer.input_shape[0];
  let k = 0;
  for (let image = 0; image < images; image++)
    for (let i = 0; i < rows.places; i++)
      for (let j = 0; j < columns.places; j++)
        tell(k++, image * rows.length * columns.length, i, j);
}

/** Every number that equals the maximum gets the whole gradient. @type {WrongRule} */
function allWinners(at, right) {
  if (at.layer.type !== "max_pool2d") return null;
  const [rows, columns] = windowsOf(at.layer);
  const [y, J, x] = [at.array("out").data, at.array("J").data, at.x.data];
  const found = zeros(right);
  eachWindow(at, (k, image, i, j) => {
    for (const row of indicesIn(linesUnder(rows, i)))
      for (const column of indicesIn(linesUnder(columns, j))) {
        const place = image + row * columns.length + column;
        if (x[place] === y[k]) found.data[place] += J[k];
      }
  });
  return found;
}

/** The last window to choose a number alone. @type {WrongRule} */
function assignedWindows(at, right) {
  if (at.layer.type !== "max_pool2d") return null;
  const [rows, columns] = windowsOf(at.layer);
  const [winners, J] = [at.array("winners").data, at.array("J").data];
  const found = zeros(right);
  eachWindow(at, (k, image, i, j) => {
    const row = lineUnder(rows, i, Math.floor(winners[k] / columns.size));
    const column = lineUnder(columns, j, winners[k] % columns.size);
    found.data[image + row * columns.length + column] = J[k];
  });
  return found;
}

// Layers with states

/** Each gate's block of U transposed. @param {AtLayer} _ @param {NdArray} U @returns {NdArray} */
function transposedInBlocks(_, { shape, data }) {
  const [size, width] = shape;
  return ndarray(
    shape,
    data.map((_one, k) => {
      const [i, column] = [Math.floor(k / width), k % width];
      const j = column % size;
      return data[j * width + (column - j) + i];
    }),
  );
}

/** The gradient of W or U from the last step alone. @type {WrongRule} */
function ofLastStep(at, right, stage) {
  const which = /** @type {"W" | "U"} */ (parameterOf(stage));
  const { layer, cases } = at;
  if (!STATE_TYPES.includes(layer.type)) return null;
  const [rows, width] = right.shape;
  const steps = layer.input_shape[0];
  const size = at.array("U").shape[0];
  const found = zeros(right);
  for (let n = 0; n < cases; n++) {
    const last = (at.scene.lengths?.[n] ?? steps) - 1;
    const left =
      which === "W" ? at.x.data.subarray((n * steps + last) * rows) : stateBeforeStep(at, n, last);
    for (const one of GATE_SUMS[layer.type]) {
      const block = one[which];
      if (block === null) continue;
      const delta = at.array(one.gate ? `delta_${one.gate}` : "delta").data;
      for (let i = 0; i < rows; i++)
        for (let j = 0; j < size; j++)
          found.data[i * width + block * size + j] +=
            left[i] * delta[(n * steps + last) * size + j];
    }
  }
  return found;
}

/** @type {Record<string, Wrong>} */
const WRONG_RULES = {
  no_mean: atTheLoss((cases) => cases),
  mean_twice: atTheLoss((cases) => 1 / cases),
  averaged_again: { stages: ["grad"], instead: (at, right) => mapped(right, (g) => g / at.cases) },
  wrong_sign: atTheLoss(() => -1),
  no_two: {
    stages: ["J", "delta"],
    instead: (at, right, stage) =>
      at.scene.loss.type === "mse" ? atTheLoss(() => 0.5).instead(at, right, stage) : null,
  },
  no_slope: withSlope(() => () => 1),
  no_slope_at_output: withSlope((at) => (isLast(at) ? () => 1 : null)),
  slope_at_output: withSlope(slopeAtOutput),
  formula_at_z: withSlope(formulaAtZ),
  bias_averaged: {
    stages: ["grad"],
    instead: (at, right, stage) => (isBias(stage) ? mapped(right, (g) => g / at.cases) : null),
  },
  bias_of_first_case: { stages: ["b_grad"], instead: biasOfFirstCase },
  bias_of_all_units: {
    stages: ["grad"],
    instead: (_, right, stage) => {
      const total = right.data.reduce((a, b) => a + b, 0);
      return isBias(stage) ? mapped(right, () => total) : null;
    },
  },
  no_bias: {
    stages: ["grad"],
    instead: (_, right, stage) => (isBias(stage) ? zeros(right) : null),
  },
  not_transposed: backBy((at, W) =>
    at.layer.type === "dense" && W.shape[0] === W.shape[1] ? transposed(W) : null,
  ),
  reshaped: {
    stages: ["W_grad"],
    instead: (at, right) =>
      at.layer.type === "dense" ? ndarray(right.shape, transposed(right).data) : null,
  },
  own_output: { stages: ["W_grad"], instead: ownOutput },
  updated_too_soon: backBy((at, W) => {
    const rate = learnsW(at)?.rate;
    if (rate === undefined) return null;
    const g = at.array("W_grad").data;
    return mapped(W, (w, k) => w - rate * g[k]);
  }),
  gradient_for_weights: backBy((at) => (learnsW(at) ? at.array("W_grad") : null)),
  loop_too_short: {
    stages: ["grad", "penalty"],
    instead: (at, right) => (isFirstToLearn(at) ? zeros(right) : null),
  },
  no_penalty: { stages: ["penalty"], instead: (_, right) => zeros(right) },
  penalty_doubled: { stages: ["penalty"], instead: (_, right) => mapped(right, (g) => 2 * g) },
  penalty_on_biases: { stages: ["penalty"], instead: onBiases },
  diagonal_softmax: sentBy("softmax", (at) => {
    const y = at.array("out").data;
    return (J, k) => J * orZero(y[k]) * (1 - orZero(y[k]));
  }),
  assigned_sum: { stages: ["J"], instead: assignedSum },
  no_mask: sentBy("dropout", () => (J) => J),
  unscaled_mask: sentBy("dropout", (at) => {
    const mask = at.array("mask").data;
    return (J, k) => (mask[k] > 0 ? J : 0);
  }),
  assigned_vectors: { stages: ["E_grad"], instead: assignedVectors },
  flipped: backBy((at, W) => (FILTER_TYPES.includes(at.layer.type) ? turned(W) : null)),
  all_winners: { stages: ["sent"], instead: allWinners },
  assigned_windows: { stages: ["sent"], instead: assignedWindows },
  no_way_by_variance: { stages: ["v_J"], instead: (_, right) => zeros(right) },
  no_way_by_statistics: { stages: ["v_J", "m_J"], instead: (_, right) => zeros(right) },
  no_way_through_time: { stages: ["U_back", "kept_back"], instead: (_, right) => zeros(right) },
  not_transposed_in_time: { stages: ["U_back"], instead: transposedInBlocks },
  of_last_step: { stages: ["W_grad", "U_grad"], instead: ofLastStep },
  cell_not_carried: {
    stages: ["kept_back"],
    instead: (at, right) => (at.layer.type === "lstm" ? zeros(right) : null),
  },
};

/** The bugs of some names, for `pass` of the engine; those that it does not know are left out.
 * @param {string[]} names @returns {EngineBug[]} */
export const engineBugs = (names) =>
  names
    .filter((name) => Object.hasOwn(WRONG_RULES, name))
    .map((name) => {
      const { stages, instead } = WRONG_RULES[name];
      return {
        wrong: (stage, at, right) =>
          stages.includes(stage) || stages.includes(stage.slice(stage.lastIndexOf("_") + 1))
            ? instead(at, right, stage)
            : null,
      };
    });
