/** The operations of the loss: of each case, of all, and how it moves with what came out. */

import { sizeOf } from "../arrays.js";
import { huber, huberSlope, logCosh } from "../engine/losses.js";
import {
  call,
  cell,
  constant,
  curve,
  negative,
  power,
  product,
  quotient,
  sum,
} from "../expressions.js";
import { countOfCases, hasZ, infoOf, layerNamed } from "../scene.js";
import { range, sentTo, sumOfAll } from "./common.js";

/**
 * @typedef {import("../arrays.js").Place} Place
 * @typedef {import("../expressions.js").Expression} Expression
 * @typedef {import("../scene.js").Named} Named
 * @typedef {import("../scene.js").Scene} Scene
 * @typedef {import("./operations.js").OperationRule} OperationRule
 *
 * @typedef {Object} RowOf  a row of outputs, of a case or of a step of it
 * @property {(j: number) => Expression} y
 * @property {(j: number) => Expression} t
 * @property {number} width
 *
 * @typedef {Object} LossFormulas
 * @property {string} says
 * @property {string} numpy the loss of each case
 * @property {string} slopeNumpy J
 * @property {(row: RowOf, options: Named) => Expression} each
 * @property {(row: RowOf, j: number, options: Named) => Expression} slope without weight and 1 / N
 */

/** @param {Expression} a @param {Expression} b @returns {Expression} */
const minus = (a, b) => sum([a, negative(b)]);

/** @param {Expression} x @returns {Expression} */
const logarithm = (x) => curve("log", Math.log, (one) => 1 / one, x);

/** @param {RowOf} row @param {(j: number) => Expression} term @returns {Expression} */
const overOutputs = (row, term) => sum(range(row.width).map(term), "j");

/** The mean over the outputs. @param {RowOf} row @param {Expression} total @returns {Expression} */
const meanOf = (row, total) => (row.width > 1 ? quotient(total, constant(row.width, "K")) : total);

/** A loss that is the mean of a function of d = y − t.
 * @param {(d: Expression, options: Named) => Expression} rho
 * @param {(d: Expression, options: Named) => Expression} slope
 * @returns {Pick<LossFormulas, "each" | "slope">} */
function ofResiduals(rho, slope) {
  const d = (/** @type {RowOf} */ { y, t }, /** @type {number} */ j) => minus(y(j), t(j));
  return {
    each: (row, options) =>
      meanOf(
        row,
        overOutputs(row, (j) => rho(d(row, j), options)),
      ),
    slope: (row, j, options) => meanOf(row, slope(d(row, j), options)),
  };
}

/** 1 + y_j − y of the true class. @param {RowOf} row @param {number} j @returns {Expression} */
const margin = (row, j) =>
  sum([constant(1), row.y(j), negative(overOutputs(row, (k) => product(row.t(k), row.y(k))))]);

/** Whether class j is wrong and its margin above 0. @param {RowOf} row @param {number} j */
const counts = (row, j) =>
  product(
    minus(constant(1), row.t(j)),
    call("[> 0]", (x) => (x > 0 ? 1 : 0), margin(row, j)),
  );

/** @type {Record<string, LossFormulas>} */
const LOSS_FORMULAS = {
  mse: {
    says: "The square of what is missing between output and target, as a mean over the outputs.",
    numpy: "each = ((y - t) ** 2).mean(axis=-1)",
    slopeNumpy: "J = 2 * (y - t) / t.size",
    ...ofResiduals(
      (d) => power(d, constant(2)),
      (d) => product(constant(2), d),
    ),
  },
  mae: {
    says: "How far the output is from the target, as a mean over the outputs.",
    numpy: "each = np.abs(y - t).mean(axis=-1)",
    slopeNumpy: "J = np.sign(y - t) / t.size",
    ...ofResiduals(
      (d) => curve("abs", Math.abs, Math.sign, d),
      (d) => call("sign", Math.sign, d),
    ),
  },
  huber: {
    says: "Half the square where the output is near the target, and a straight line farther away.",
    numpy: "each = huber(y - t).mean(axis=-1)",
    slopeNumpy: "J = np.clip(y - t, -delta, delta) / t.size",
    ...ofResiduals(
      (d, options) =>
        curve(
          "ρ",
          (x) => huber(x, options),
          (x) => huberSlope(x, options),
          d,
        ),
      (d, options) => call("ρ′", (x) => huberSlope(x, options), d),
    ),
  },
  log_cosh: {
    says: "About half the square near the target, and about the distance farther away.",
    numpy: "each = np.log(np.cosh(y - t)).mean(axis=-1)",
    slopeNumpy: "J = np.tanh(y - t) / t.size",
    ...ofResiduals(
      (d) => curve("ln cosh", logCosh, Math.tanh, d),
      (d) => curve("tanh", Math.tanh, (x) => 1 - Math.tanh(x) ** 2, d),
    ),
  },
  cross_entropy: {
    says: "Minus the logarithm of the probability that the true class got: 0 if it is 1.",
    numpy: "each = -(t * np.log(y)).sum(axis=-1)",
    slopeNumpy: "J = -t / y / len(t)",
    each: (row) => negative(overOutputs(row, (j) => product(row.t(j), logarithm(row.y(j))))),
    slope: (row, j) => negative(quotient(row.t(j), row.y(j))),
  },
  binary_cross_entropy: {
    says: "Minus the logarithm of the probability that the right answer got, yes or no.",
    numpy: "each = -(t * np.log(y) + (1 - t) * np.log(1 - y)).mean(axis=-1)",
    slopeNumpy: "J = ((1 - t) / (1 - y) - t / y) / t.size",
    each: (row) => {
      const terms = overOutputs(row, (j) =>
        sum([
          product(row.t(j), logarithm(row.y(j))),
          product(minus(constant(1), row.t(j)), logarithm(minus(constant(1), row.y(j)))),
        ]),
      );
      return negative(meanOf(row, terms));
    },
    slope: (row, j) => {
      const no = quotient(minus(constant(1), row.t(j)), minus(constant(1), row.y(j)));
      return meanOf(row, minus(no, quotient(row.t(j), row.y(j))));
    },
  },
  hinge: {
    says: "By how much each wrong class comes too close to the true one, or above it.",
    numpy: "each = (np.maximum(0, 1 + y - (t * y).sum(-1, keepdims=True)) * (1 - t)).sum(-1)",
    slopeNumpy: "J = (m - t * m.sum(-1, keepdims=True)) / len(t)  # m: wrong, and too close",
    each: (row) =>
      overOutputs(row, (j) =>
        product(minus(constant(1), row.t(j)), call("max", Math.max, constant(0), margin(row, j))),
      ),
    slope: (row, j) =>
      minus(
        counts(row, j),
        product(
          row.t(j),
          overOutputs(row, (k) => counts(row, k)),
        ),
      ),
  },
};

/** The key of the targets that the loss sees. @param {Scene} scene @returns {string} */
const targetsKey = (scene) => `loss.${infoOf(scene, "loss.t_smooth") ? "t_smooth" : "t"}`;

/** The row of outputs that a case, or a case and a step, leads to.
 * @param {Scene} scene @param {Place} lead @returns {RowOf} */
const rowAt = (scene, lead) => ({
  y: (j) => cell(`${scene.output}.out`, [...lead, j]),
  t: (j) => cell(targetsKey(scene), [...lead, j]),
  width: layerNamed(scene, scene.output).output_shape.at(-1) ?? 1,
});

/** The steps of a case that have a target.
 * @param {Scene} scene @param {number} n @returns {number[]} */
const stepsWithTarget = (scene, n) =>
  scene.targets?.[n] ?? range(layerNamed(scene, scene.output).output_shape[0]);

/** @param {Scene} scene @param {Place} at of an output @returns {boolean} */
const hasTarget = (scene, at) => at.length < 3 || stepsWithTarget(scene, at[0]).includes(at[1]);

/** The outputs of a case that have a target.
 * @param {Scene} scene @param {number} n @returns {import("../arrays.js").Region[]} */
const outputsOf = (scene, n) =>
  layerNamed(scene, scene.output).output_shape.length < 2
    ? [[n, null]]
    : stepsWithTarget(scene, n).map((s) => [n, s, null]);

/** The operations of the forward pass that end in the loss.
 * @param {Scene} scene @returns {OperationRule[]} */
export function lossForward(scene) {
  const formulas = LOSS_FORMULAS[scene.loss.type];
  if (!formulas) return [];
  return [...smoothing(scene), eachCase(scene, formulas), ...penaltyValue(scene), total(scene)];
}

/** @param {Scene} scene @returns {OperationRule[]} */
function smoothing(scene) {
  if (!infoOf(scene, "loss.t_smooth")) return [];
  const share = scene.loss.label_smoothing;
  const width = rowAt(scene, [0]).width;
  const none = scene.loss.type === "cross_entropy" ? 1 / width : 0.5;
  return [
    {
      target: "loss.t_smooth",
      title: "The targets, smoothed",
      says: "Each target moves a little towards the one that says nothing, so that none is certain.",
      numpy: `t_smooth = t * (1 - ${share}) + ${share} * ${none}`,
      reads: ["loss.t"],
      expression: (at) =>
        sum([product(constant(1 - share), cell("loss.t", at)), constant(share * none)]),
      influences: (_, at) => [at],
    },
  ];
}

/** What is said of a loss whose targets are smoothed. */
const SMOOTHED = {
  says: "Minus the logarithm of each probability, as often as the smoothed target says.",
};

/** A line of NumPy, in which the targets are those that the loss sees.
 * @param {Scene} scene @param {string} numpy @returns {string} */
const withTargets = (scene, numpy) =>
  numpy.replace(/\bt\b/g, targetsKey(scene).slice("loss.".length));

/** @param {Scene} scene @param {LossFormulas} formulas @returns {OperationRule} */
function eachCase(scene, formulas) {
  const [y, t] = [`${scene.output}.out`, targetsKey(scene)];
  const isSequence = layerNamed(scene, scene.output).output_shape.length === 2;
  const { says } = t === "loss.t" ? formulas : SMOOTHED;
  const numpy = withTargets(scene, formulas.numpy);
  return {
    target: "loss.each",
    title: "The loss of each case",
    says: isSequence ? `${says} The steps with a target add up.` : says,
    numpy: isSequence ? `${numpy}.sum(axis=-1)` : numpy,
    reads: [y, t],
    expression: ([n]) =>
      isSequence
        ? sum(
            stepsWithTarget(scene, n).map((s) => formulas.each(rowAt(scene, [n, s]), scene.loss)),
            "s",
          )
        : formulas.each(rowAt(scene, [n]), scene.loss),
    influences: (_, at) => (hasTarget(scene, at) ? [[at[0]]] : []),
  };
}

/** The most weights of which the penalty is written out. */
const MOST_PENALISED = 5000;

/** @param {Scene} scene @returns {OperationRule[]} */
function penaltyValue(scene) {
  const penalised = scene.layers.flatMap(({ name, parameters }) =>
    parameters
      .filter(({ penalty }) => penalty.L1 || penalty.L2)
      .map((one) => ({ key: `${name}.${one.name}`, ...one })),
  );
  const weights = penalised.reduce((all, { shape }) => all + sizeOf(shape), 0);
  if (!penalised.length || weights > MOST_PENALISED) return [];
  return [
    {
      target: "loss.penalty",
      title: "The penalty",
      says: "Large weights cost something, so that the network gets along with small ones.",
      numpy: penalised.map(({ key, penalty }) => penaltyCode(key, penalty)).join(" + "),
      reads: penalised.map(({ key }) => key),
      expression: () =>
        sum(penalised.map(({ key, shape, penalty }) => penaltyOfArray(key, shape, penalty))),
      influences: () => [[]],
    },
  ];
}

/** @param {string} key @param {{L1?: number, L2?: number}} penalty @returns {string} */
const penaltyCode = (key, { L1, L2 }) =>
  [L2 ? `${L2} / 2 * (${key} ** 2).sum()` : "", L1 ? `${L1} * np.abs(${key}).sum()` : ""]
    .filter(Boolean)
    .join(" + ");

/** @param {string} key @param {number[]} shape @param {{L1?: number, L2?: number}} penalty
 * @returns {Expression} */
function penaltyOfArray(key, shape, { L1, L2 }) {
  const square = (/** @type {Expression} */ w) => power(w, constant(2));
  const size = (/** @type {Expression} */ w) => curve("abs", Math.abs, Math.sign, w);
  const parts = [];
  if (L2) parts.push(product(constant(L2 / 2, "½ λ"), sumOfAll(key, shape, square)));
  if (L1) parts.push(product(constant(L1, "λ"), sumOfAll(key, shape, size)));
  return parts.length > 1 ? sum(parts) : parts[0];
}

/** @param {Scene} scene @returns {OperationRule} */
function total(scene) {
  const hasWeights = infoOf(scene, "loss.weights") !== undefined;
  const hasPenalty = infoOf(scene, "loss.penalty") !== undefined;
  const cases = countOfCases(scene);
  const reads = ["loss.each"];
  if (hasWeights) reads.push("loss.weights");
  if (hasPenalty) reads.push("loss.penalty");
  const each = (/** @type {number} */ n) =>
    hasWeights
      ? product(cell("loss.weights", [n]), cell("loss.each", [n]))
      : cell("loss.each", [n]);
  const numpy = hasWeights ? "value = (weights * each).mean()" : "value = each.mean()";
  return {
    target: "loss.value",
    title: "The loss",
    says: `One number for all: the mean over the cases${hasPenalty ? ", and what the penalty adds" : ""}.`,
    numpy: hasPenalty ? `${numpy} + penalty` : numpy,
    reads,
    expression: () => {
      const mean = quotient(sum(range(cases).map(each), "n"), constant(cases, "N"));
      return hasPenalty ? sum([mean, cell("loss.penalty", [])]) : mean;
    },
    influences: () => [[]],
  };
}

/** A quotient divided once more, as a single one. @param {Expression} one @param {Expression} by
 * @returns {Expression} */
function dividedBy(one, by) {
  if (one.kind === "negative") return negative(dividedBy(one.of, by));
  return one.kind === "quotient" ? quotient(one.over, product(one.under, by)) : quotient(one, by);
}

/** A derivative of a case's loss as a part of the mean: times its weight, over N.
 * @param {Scene} scene @param {number} n @param {Expression} slope @returns {Expression} */
function partOfMean(scene, n, slope) {
  const hasWeights = infoOf(scene, "loss.weights") !== undefined;
  const part = dividedBy(slope, constant(countOfCases(scene), "N"));
  return hasWeights ? product(cell("loss.weights", [n]), part) : part;
}

/** The operations with which the backward pass begins.
 * @param {Scene} scene @returns {OperationRule[]} */
export function lossBackward(scene) {
  const formulas = LOSS_FORMULAS[scene.loss.type];
  if (!formulas) return [];
  /** @type {OperationRule} */
  const J = {
    ...slopeOperation(scene, (row, j) => formulas.slope(row, j, scene.loss)),
    target: `${scene.output}.J`,
    title: "How the loss moves with the outputs",
    says: "The slope of the loss at each output; the mean over the cases divides it by their number.",
    numpy: withTargets(scene, formulas.slopeNumpy),
  };
  return scene.loss_from_logits ? [J, deltaOfLoss(scene)] : [J];
}

/** δ of the last layer, where the loss and the layer's function are differentiated together.
 * @param {Scene} scene @returns {OperationRule} */
function deltaOfLoss(scene) {
  const last = layerNamed(scene, scene.output);
  const binary = scene.loss.type === "binary_cross_entropy";
  const word = binary ? "sigmoid" : "softmax";
  return {
    ...slopeOperation(scene, (row, j) => {
      const d = minus(row.y(j), row.t(j));
      return binary ? meanOf(row, d) : d;
    }),
    target: hasZ(last) ? `${last.name}.delta` : sentTo(scene, last),
    title: `δ: loss and ${word} at once`,
    says: `Worked out together, the slopes of the loss and of ${word} become the difference of output and target, as a part of the mean.`,
    numpy: withTargets(scene, binary ? "delta = (y - t) / t.size" : "delta = (y - t) / len(t)"),
  };
}

/** @param {Scene} scene @param {(row: RowOf, j: number) => Expression} slope
 * @returns {Pick<OperationRule, "reads" | "expression" | "influences">} */
function slopeOperation(scene, slope) {
  const reads = [`${scene.output}.out`, targetsKey(scene)];
  if (infoOf(scene, "loss.weights")) reads.push("loss.weights");
  const isHinge = scene.loss.type === "hinge";
  return {
    reads,
    expression: (at) =>
      hasTarget(scene, at)
        ? partOfMean(scene, at[0], slope(rowAt(scene, at.slice(0, -1)), at[at.length - 1]))
        : constant(0),
    influences: (key, at) => {
      if (key === "loss.weights") return outputsOf(scene, at[0]);
      if (!hasTarget(scene, at)) return [];
      return isHinge ? [[...at.slice(0, -1), null]] : [at];
    },
  };
}
