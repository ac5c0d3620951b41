/** The operations of batch and layer normalisation: x̂ = (x − m) / s, z = γ x̂ + β, and back. */

import { sizeOf } from "../arrays.js";
import { call, cell, constant, negative, power, product, quotient, sum } from "../expressions.js";
import { hasZ, infoOf, lengthOf } from "../scene.js";
import { activated, deltaOf, fedBy, range, sentTo, throughActivation } from "./common.js";
import { sumOver } from "./images.js";

/**
 * @typedef {import("../arrays.js").Place} Place
 * @typedef {import("../arrays.js").Region} Region
 * @typedef {import("../expressions.js").Expression} Expression
 * @typedef {import("../scene.js").Scene} Scene
 * @typedef {import("../scene.js").SceneLayer} SceneLayer
 * @typedef {import("./operations.js").OperationRule} OperationRule
 * @typedef {import("./operations.js").Family} Family
 *
 * @typedef {Object} Grouping  which numbers of x share a mean, and which share γ and β
 * @property {string} who the numbers that share a mean, in words
 * @property {string} axes those over which NumPy takes the mean
 * @property {string} wide what NumPy adds to m so that it fits x
 * @property {string} gainWide what NumPy adds to γ so that it fits x
 * @property {(at: Place) => Place} groupOf the place in m of what a number belongs to
 * @property {(group: Place) => Region} members of a group
 * @property {(at: Place) => Place} gainOf the place in γ of a number
 * @property {(gain: Place) => Region} gained by a γ
 * @property {(region: Region, term: (at: Place) => Expression) => Expression} over Σ of a term for
 *   each number of a region, padding left out
 * @property {number} count of the members of each group, padding left out
 * @property {(at: Place) => boolean} isPadding
 */

/** The letters by which the axes of x are counted.
 * @type {Record<number, string>} */
const LETTERS = { 2: "nj", 3: "ntj", 4: "ncij" };

/** Σ over the numbers of a region of x; of sequences over the real steps.
 * @param {Scene} scene @param {number[]} shape of x
 * @returns {(region: Region, term: (at: Place) => Expression) => Expression} */
const sumsInside = (scene, shape) => (region, term) => {
  /** @type {(at: Place) => Expression} */
  const deeper = (at) => {
    const axis = at.length;
    if (axis === shape.length) return term(at);
    const fixed = region[axis];
    if (typeof fixed === "number") return deeper([...at, fixed]);
    const isStep = axis === 1 && shape.length === 3;
    const length = isStep ? lengthOf(scene, at[0], shape[1]) : shape[axis];
    return sumOver(LETTERS[shape.length][axis], range(length), (k) => deeper([...at, k]));
  };
  return deeper([]);
};

/** Of which numbers a layer takes the mean.
 * @param {Scene} scene @param {SceneLayer} layer @returns {Grouping} */
function groupingOf(scene, layer) {
  const shape = infoOf(scene, fedBy(layer))?.shape ?? [0, ...layer.input_shape];
  const isSequence = shape.length === 3;
  const isPadding = (/** @type {Place} */ [n, t]) =>
    isSequence && t >= lengthOf(scene, n, shape[1]);
  const common = { over: sumsInside(scene, shape), isPadding };
  const first = isSequence ? 2 : 1;
  const before = new Array(first).fill(null);
  if (layer.type === "layer_norm")
    return {
      ...common,
      who: isSequence ? "the numbers of one step of a case" : "the numbers of one case",
      axes: shape.length === 4 ? "(1, 2, 3)" : "-1",
      wide: shape.length === 4 ? "[:, None, None, None]" : "[..., None]",
      gainWide: "",
      groupOf: (at) => at.slice(0, first),
      members: (group) => group,
      gainOf: (at) => at.slice(first),
      gained: (gain) => [...before, ...gain],
      count: sizeOf(shape.slice(first)),
    };
  const real = range(shape[0]).map((n) => (isSequence ? lengthOf(scene, n, shape[1]) : 1));
  const [who, axes] = WHO[shape.length];
  return {
    ...common,
    who,
    axes,
    wide: shape.length === 4 ? "[:, None, None]" : "",
    gainWide: shape.length === 4 ? "[:, None, None]" : "",
    groupOf: (at) => [at[first]],
    members: ([k]) => [...before, k],
    gainOf: (at) => [at[first]],
    gained: ([k]) => [...before, k],
    count: sizeOf(shape.slice(first + 1)) * real.reduce((all, steps) => all + steps, 0),
  };
}

/** Which numbers share a mean in batch normalisation, and the axes over which it is taken.
 * @type {Record<number, [string, string]>} */
const WHO = {
  2: ["one feature in all cases of the minibatch", "0"],
  3: ["one feature in all steps of all cases", "(0, 1)"],
  4: ["one channel in all places of all cases", "(0, 2, 3)"],
};

/** Σ / N.
 * @param {number} count @param {Expression} total */
const meanFrom = (count, total) => product(quotient(constant(1), constant(count, "N")), total);

/** @param {SceneLayer} layer @param {Grouping} grouping @returns {OperationRule} */
function groupMean(layer, grouping) {
  const x = fedBy(layer);
  return {
    target: `${layer.name}.m`,
    title: "The mean",
    says: `The mean of ${grouping.who}.`,
    numpy: `m = x.mean(axis=${grouping.axes})`,
    reads: [x],
    expression: (at) =>
      meanFrom(
        grouping.count,
        grouping.over(grouping.members(at), (place) => cell(x, place)),
      ),
    influences: (_, at) => [grouping.groupOf(at)],
  };
}

/** @param {SceneLayer} layer @param {Grouping} grouping @returns {OperationRule} */
function groupVariance(layer, grouping) {
  const [x, m] = [fedBy(layer), `${layer.name}.m`];
  const alone = " Of a single number it is 0: x̂ is 0 too, and no gradient passes.";
  return {
    target: `${layer.name}.v`,
    title: "The variance",
    says: `The mean squared distance of these numbers from their mean.${grouping.count === 1 ? alone : ""}`,
    numpy: `v = ((x - m${grouping.wide}) ** 2).mean(axis=${grouping.axes})`,
    reads: [x, m],
    expression: (at) =>
      meanFrom(
        grouping.count,
        grouping.over(grouping.members(at), (place) =>
          power(sum([cell(x, place), negative(cell(m, at))]), constant(2)),
        ),
      ),
    influences: (key, at) => [key === x ? grouping.groupOf(at) : at],
  };
}

/** @param {SceneLayer} layer @returns {OperationRule} */
function groupSpread(layer) {
  const v = `${layer.name}.v`;
  const { epsilon } = layer.options;
  return {
    target: `${layer.name}.s`,
    title: "The spread",
    says: "The root of the variance; the small ε keeps it from being 0.",
    numpy: `s = sqrt(v + ${epsilon})`,
    reads: [v],
    expression: (at) => call("sqrt", Math.sqrt, sum([cell(v, at), constant(epsilon, "ε")])),
    influences: (_, at) => [at],
  };
}

/** @param {SceneLayer} layer @param {Grouping} grouping @returns {OperationRule} */
function standardisedNumbers(layer, grouping) {
  const [x, m, s] = [fedBy(layer), `${layer.name}.m`, `${layer.name}.s`];
  return {
    target: `${layer.name}.xhat`,
    title: "The standardised numbers",
    says: "How many spreads each number lies above the mean: x̂ has the mean 0 and the variance 1.",
    numpy: `xhat = (x - m${grouping.wide}) / s${grouping.wide}`,
    reads: [x, m, s],
    expression: (at) => {
      const group = grouping.groupOf(at);
      return quotient(sum([cell(x, at), negative(cell(m, group))]), cell(s, group));
    },
    influences: (key, at) => [key === x ? at : grouping.members(at)],
  };
}

/** @param {SceneLayer} layer @param {Grouping} grouping @returns {OperationRule} */
function scaledAndShifted(layer, grouping) {
  const [gamma, xhat, beta] = ["gamma", "xhat", "beta"].map((name) => `${layer.name}.${name}`);
  return {
    target: `${layer.name}.${hasZ(layer) ? "z" : "out"}`,
    title: "Scale and shift",
    says: "γ and β, which are trained, give each number the scale and the middle that serve best.",
    numpy: `z = gamma${grouping.gainWide} * xhat + beta${grouping.gainWide}`,
    reads: [gamma, xhat, beta],
    expression: (at) => {
      const gain = grouping.gainOf(at);
      return sum([product(cell(gamma, gain), cell(xhat, at)), cell(beta, gain)]);
    },
    influences: (key, at) => [key === xhat ? at : grouping.gained(at)],
  };
}

/** @param {SceneLayer} layer @param {Grouping} grouping @returns {OperationRule} */
function toStandardised(layer, grouping) {
  const [delta, gamma] = [deltaOf(layer), `${layer.name}.gamma`];
  return {
    target: `${layer.name}.xhat_J`,
    title: "Back to the standardised numbers",
    says: "x̂ moves z by γ, and z moves the loss by δ.",
    numpy: `xhat_J = delta * gamma${grouping.gainWide}`,
    reads: [delta, gamma],
    expression: (at) => product(cell(delta, at), cell(gamma, grouping.gainOf(at))),
    influences: (key, at) => [key === delta ? at : grouping.gained(at)],
  };
}

/** @param {SceneLayer} layer @param {Grouping} grouping @returns {OperationRule} */
function toVariance(layer, grouping) {
  const [u, xhat, s] = ["xhat_J", "xhat", "s"].map((name) => `${layer.name}.${name}`);
  return {
    target: `${layer.name}.v_J`,
    title: "Back to the variance",
    says: "The variance moves every x̂ of its group: a larger spread brings each nearer to 0.",
    numpy: `v_J = -1 / (2 * s**2) * (xhat_J * xhat).sum(axis=${grouping.axes})`,
    reads: [u, xhat, s],
    expression: (at) => {
      if (grouping.isPadding(at)) return constant(0);
      const twice = product(constant(2), power(cell(s, at), constant(2)));
      const total = grouping.over(grouping.members(at), (p) => product(cell(u, p), cell(xhat, p)));
      return negative(product(quotient(constant(1), twice), total));
    },
    influences: (key, at) => [key === s ? at : grouping.groupOf(at)],
  };
}

/** @param {SceneLayer} layer @param {Grouping} grouping @returns {OperationRule} */
function toMean(layer, grouping) {
  const [u, s] = [`${layer.name}.xhat_J`, `${layer.name}.s`];
  return {
    target: `${layer.name}.m_J`,
    title: "Back to the mean",
    says:
      "The mean moves every x̂ of its group by −1/s. (It moves the variance as well, but by 0: " +
      "the distances from a mean add up to 0.)",
    numpy: `m_J = -1 / s * xhat_J.sum(axis=${grouping.axes})`,
    reads: [u, s],
    expression: (at) => {
      if (grouping.isPadding(at)) return constant(0);
      const total = grouping.over(grouping.members(at), (p) => cell(u, p));
      return negative(product(quotient(constant(1), cell(s, at)), total));
    },
    influences: (key, at) => [key === s ? at : grouping.groupOf(at)],
  };
}

/** ∂L/∂x: directly through x̂, through the variance and through the mean.
 * @param {Scene} scene @param {SceneLayer} layer @param {Grouping} grouping @returns {OperationRule} */
function backToInputs(scene, layer, grouping) {
  const x = fedBy(layer);
  const keys = ["xhat_J", "s", "v_J", "m", "m_J"].map((name) => `${layer.name}.${name}`);
  const [u, s, byV, m, byM] = keys;
  const { wide } = grouping;
  return {
    target: sentTo(scene, layer),
    title: "Back to the inputs: three ways",
    says:
      "An input moves the loss in three ways, which add up: through its own x̂, through the " +
      "variance and through the mean that it shares with the others.",
    numpy: `J_before = xhat_J / s${wide} + v_J${wide} * 2 * (x - m${wide}) / N + m_J${wide} / N`,
    reads: [...keys, x],
    expression: (at) => {
      if (grouping.isPadding(at)) return constant(0);
      const group = grouping.groupOf(at);
      const many = constant(grouping.count, "N");
      const distance = sum([cell(x, at), negative(cell(m, group))]);
      return sum([
        product(quotient(constant(1), cell(s, group)), cell(u, at)),
        product(cell(byV, group), quotient(product(constant(2), distance), many)),
        meanFrom(grouping.count, cell(byM, group)),
      ]);
    },
    influences: (key, at) => [key === x || key === u ? at : grouping.members(at)],
  };
}

/** ∂L/∂γ and ∂L/∂β.
 * @param {Scene} scene @param {SceneLayer} layer @returns {OperationRule[]} */
function gainGradients(scene, layer) {
  const grouping = groupingOf(scene, layer);
  const [delta, xhat] = [deltaOf(layer), `${layer.name}.xhat`];
  const isByCase = layer.type === "layer_norm";
  const where = isByCase ? "all cases" : grouping.who.replace(/.* in /, "");
  const axes = isByCase ? (layer.at_each_step ? "(0, 1)" : "0") : grouping.axes;
  return [
    {
      target: `${layer.name}.gamma_grad`,
      title: "The gradient of γ",
      says: `γ moves z by x̂, and z moves the loss by δ; ${where} add up.`,
      numpy: `gamma_grad = (delta * xhat).sum(axis=${axes})`,
      reads: [delta, xhat],
      expression: (at) => {
        const term = (/** @type {Place} */ p) => product(cell(delta, p), cell(xhat, p));
        return grouping.over(grouping.gained(at), term);
      },
      influences: (_, at) => [grouping.gainOf(at)],
    },
    {
      target: `${layer.name}.beta_grad`,
      title: "The gradient of β",
      says: `β moves z as it is, so that its gradient is δ; ${where} add up.`,
      numpy: `beta_grad = delta.sum(axis=${axes})`,
      reads: [delta],
      expression: (at) => grouping.over(grouping.gained(at), (p) => cell(delta, p)),
      influences: (_, at) => [grouping.gainOf(at)],
    },
  ];
}

/** A running number after it has taken over a share of that of the minibatch.
 * @param {SceneLayer} layer @param {string} name @param {Expression} now @param {Place} at */
function movedTowards({ name: owner, options }, name, now, at) {
  const share = constant(options.momentum, "μ");
  const rest = sum([constant(1), negative(share)]);
  return sum([product(rest, cell(`${owner}.${name}`, at)), product(share, now)]);
}

/** The running mean and variance of batch normalisation move towards those of the minibatch.
 * @param {Scene} scene @param {SceneLayer} layer @returns {OperationRule[]} */
function runningStatistics(scene, layer) {
  if (layer.type !== "batch_norm") return [];
  const { count } = groupingOf(scene, layer);
  const { momentum } = layer.options;
  const key = (/** @type {string} */ name) => `${layer.name}.${name}`;
  const share = quotient(constant(count, "N"), sum([constant(count, "N"), negative(constant(1))]));
  const rest = Number((1 - momentum).toPrecision(12));
  /** @type {OperationRule["influences"]} */
  const influences = (_, at) => [at];
  return [
    {
      target: `${layer.name}.mean_new`,
      title: "The running mean",
      says: "No gradient moves it: it takes over a share of the minibatch's mean, for evaluation.",
      numpy: `mean_new = ${rest} * mean + ${momentum} * m`,
      reads: [key("mean"), key("m")],
      expression: (at) => movedTowards(layer, "mean", cell(key("m"), at), at),
      influences,
    },
    {
      target: `${layer.name}.variance_new`,
      title: "The running variance",
      ...(count > 1
        ? {
            says: "Likewise a share of the variance, by the estimate without bias: N / (N − 1) times it.",
            numpy: `variance_new = ${rest} * variance + ${momentum} * v * ${count} / ${count - 1}`,
            reads: [key("variance"), key("v")],
          }
        : {
            says: "A single number has no variance: the running one stays.",
            numpy: "variance_new = variance",
            reads: [key("variance")],
          }),
      expression: (at) =>
        count > 1
          ? movedTowards(layer, "variance", product(share, cell(key("v"), at)), at)
          : cell(key("variance"), at),
      influences,
    },
  ];
}

/** `batch_norm` and `layer_norm`.
 * @type {Family} */
export const NORMALIZED = {
  forward: (scene, layer) => {
    const grouping = groupingOf(scene, layer);
    return [
      groupMean(layer, grouping),
      groupVariance(layer, grouping),
      groupSpread(layer),
      standardisedNumbers(layer, grouping),
      scaledAndShifted(layer, grouping),
      ...activated(layer),
    ];
  },
  backward: (scene, layer) => {
    const grouping = groupingOf(scene, layer);
    return [
      ...throughActivation(scene, layer),
      toStandardised(layer, grouping),
      toVariance(layer, grouping),
      toMean(layer, grouping),
      backToInputs(scene, layer, grouping),
    ];
  },
  gradients: gainGradients,
  update: runningStatistics,
};
