/** The operations of batch and layer normalisation: x̂ = (x − m) / s, z = γ x̂ + β, and back. */

import { sizeOf } from "../arrays.js";
import { call, cell, constant, negative, power, product, quotient, sum } from "../expressions.js";
import { hasZ, infoOf, lengthOf } from "../scene.js";
import {
  activated,
  deltaOf,
  fedBy,
  penaltyReads,
  range,
  sentTo,
  throughActivation,
  withPenalty,
} from "./common.js";
import { sumOver } from "./images.js";

/**
 * @typedef {import("../arrays.js").Place} Place
 * @typedef {import("../arrays.js").Region} Region
 * @typedef {import("../expressions.js").Expression} Expression
 * @typedef {import("../scene.js").Scene} Scene
 * @typedef {import("../scene.js").SceneLayer} SceneLayer
 * @typedef {import("./operations.js").Operation} Operation
 * @typedef {import("./operations.js").Family} Family
 *
 * @typedef {Object} Grouping  which numbers of x share a mean, and which share γ and β
 * @property {string} who the numbers that share a mean, in words
 * @property {string} axes those over which NumPy takes the mean
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
export function groupingOf(scene, layer) {
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
      axes: shape.length === 4 ? "(1, 2, 3), keepdims=True" : "-1, keepdims=True",
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
  4: ["one channel in all places of all cases", "(0, 2, 3), keepdims=True"],
};

/** The mean, the variance and its root.
 * @param {SceneLayer} layer @param {Grouping} grouping @returns {Operation[]} */
function groupStatistics(layer, grouping) {
  const { name } = layer;
  const [x, m, v] = [fedBy(layer), `${name}.m`, `${name}.v`];
  const many = constant(grouping.count, "N");
  const common = /** @type {const} */ ({ layer: name, phase: "forward" });
  const two = constant(2);
  const alone =
    grouping.count === 1 ? " Of a single number it is 0: x̂ is 0 too, and no gradient passes." : "";
  return [
    {
      ...common,
      target: m,
      title: "The mean",
      says: `The mean of ${grouping.who}.`,
      numpy: `m = x.mean(axis=${grouping.axes})`,
      reads: [x],
      expression: (at) =>
        quotient(
          grouping.over(grouping.members(at), (place) => cell(x, place)),
          many,
        ),
      influences: (_, at) => [grouping.groupOf(at)],
    },
    {
      ...common,
      target: v,
      title: "The variance",
      says: `The mean squared distance of these numbers from their mean.${alone}`,
      numpy: `v = ((x - m) ** 2).mean(axis=${grouping.axes})`,
      reads: [x, m],
      expression: (at) =>
        quotient(
          grouping.over(grouping.members(at), (place) =>
            power(sum([cell(x, place), negative(cell(m, at))]), two),
          ),
          many,
        ),
      influences: (key, at) => [key === x ? grouping.groupOf(at) : at],
    },
    {
      ...common,
      target: `${name}.s`,
      title: "The spread",
      says: "The root of the variance; the small ε keeps it from being 0.",
      numpy: `s = sqrt(v + ${layer.options.epsilon})`,
      reads: [v],
      expression: (at) =>
        call("sqrt", Math.sqrt, sum([cell(v, at), constant(layer.options.epsilon, "ε")])),
      influences: (_, at) => [at],
    },
  ];
}

/** x̂, and z = γ x̂ + β.
 * @param {SceneLayer} layer @param {Grouping} grouping @returns {Operation[]} */
function standardised(layer, grouping) {
  const { name } = layer;
  const x = fedBy(layer);
  const key = (/** @type {string} */ one) => `${name}.${one}`;
  const common = /** @type {const} */ ({ layer: name, phase: "forward" });
  return [
    {
      ...common,
      target: key("xhat"),
      title: "The standardised numbers",
      says: "How many spreads each number lies above the mean: x̂ has the mean 0 and the variance 1.",
      numpy: "xhat = (x - m) / s",
      reads: [x, key("m"), key("s")],
      expression: (at) => {
        const group = grouping.groupOf(at);
        return quotient(
          sum([cell(x, at), negative(cell(key("m"), group))]),
          cell(key("s"), group),
        );
      },
      influences: (read, at) => [read === x ? at : grouping.members(at)],
    },
    {
      ...common,
      target: key(hasZ(layer) ? "z" : "out"),
      title: "Scale and shift",
      says: "γ and β, which are trained, give each number the scale and the middle that serve best.",
      numpy: "z = gamma * xhat + beta",
      reads: [key("gamma"), key("xhat"), key("beta")],
      expression: (at) => {
        const gain = grouping.gainOf(at);
        return sum([
          product(cell(key("gamma"), gain), cell(key("xhat"), at)),
          cell(key("beta"), gain),
        ]);
      },
      influences: (read, at) => [read === key("xhat") ? at : grouping.gained(at)],
    },
  ];
}

/** ∂L/∂x̂, and what of it goes through the variance and the mean.
 * @param {SceneLayer} layer @param {Grouping} grouping @returns {Operation[]} */
function backToStatistics(layer, grouping) {
  const { name } = layer;
  const delta = deltaOf(layer);
  const key = (/** @type {string} */ one) => `${name}.${one}`;
  const common = /** @type {const} */ ({ layer: name, phase: "backward" });
  const overGroup = (/** @type {Place} */ at, /** @type {(p: Place) => Expression} */ term) =>
    grouping.isPadding(at) ? sum([]) : grouping.over(grouping.members(at), term);
  return [
    {
      ...common,
      target: key("xhat_J"),
      title: "Back to the standardised numbers",
      says: "x̂ moves z by γ, and z moves the loss by δ.",
      numpy: "xhat_J = delta * gamma",
      reads: [delta, key("gamma")],
      expression: (at) => product(cell(delta, at), cell(key("gamma"), grouping.gainOf(at))),
      influences: (read, at) => [read === delta ? at : grouping.gained(at)],
    },
    {
      ...common,
      target: key("v_J"),
      title: "Back to the variance",
      says: "The variance moves every x̂ of its group: a larger spread brings each nearer to 0.",
      numpy: `v_J = -(xhat_J * xhat).sum(axis=${grouping.axes}) / (2 * s**2)`,
      reads: [key("xhat_J"), key("xhat"), key("s")],
      expression: (at) => {
        const total = overGroup(at, (p) => product(cell(key("xhat_J"), p), cell(key("xhat"), p)));
        if (grouping.isPadding(at)) return total;
        const twice = product(constant(2), power(cell(key("s"), at), constant(2)));
        return negative(quotient(total, twice));
      },
      influences: (read, at) => [read === key("s") ? at : grouping.groupOf(at)],
    },
    {
      ...common,
      target: key("m_J"),
      title: "Back to the mean",
      says:
        "The mean moves every x̂ of its group by −1/s. (It moves the variance as well, but by 0: " +
        "the distances from a mean add up to 0.)",
      numpy: `m_J = -xhat_J.sum(axis=${grouping.axes}) / s`,
      reads: [key("xhat_J"), key("s")],
      expression: (at) => {
        const total = overGroup(at, (p) => cell(key("xhat_J"), p));
        if (grouping.isPadding(at)) return total;
        return negative(quotient(total, cell(key("s"), at)));
      },
      influences: (read, at) => [read === key("s") ? at : grouping.groupOf(at)],
    },
  ];
}

/** ∂L/∂x: directly through x̂, through the variance and through the mean.
 * @param {Scene} scene @param {SceneLayer} layer @param {Grouping} grouping @returns {Operation} */
function backToInputs(scene, layer, grouping) {
  const { name } = layer;
  const x = fedBy(layer);
  const key = (/** @type {string} */ one) => `${name}.${one}`;
  return {
    target: sentTo(scene, layer),
    layer: name,
    phase: "backward",
    title: "Back to the inputs: three ways",
    says:
      "An input moves the loss in three ways, which add up: through its own x̂, through the " +
      "variance and through the mean that it shares with the others.",
    numpy: "J_before = xhat_J / s + v_J * 2 * (x - m) / N + m_J / N",
    reads: [...["xhat_J", "s", "v_J", "m", "m_J"].map(key), x],
    expression: (at) => {
      if (grouping.isPadding(at)) return sum([]);
      const group = grouping.groupOf(at);
      const many = constant(grouping.count, "N");
      const distance = sum([cell(x, at), negative(cell(key("m"), group))]);
      return sum([
        quotient(cell(key("xhat_J"), at), cell(key("s"), group)),
        product(cell(key("v_J"), group), quotient(product(constant(2), distance), many)),
        quotient(cell(key("m_J"), group), many),
      ]);
    },
    influences: (read, at) => [read === x || read === key("xhat_J") ? at : grouping.members(at)],
  };
}

/** ∂L/∂γ and ∂L/∂β.
 * @param {Scene} scene @param {SceneLayer} layer @returns {Operation[]} */
function gainGradients(scene, layer) {
  const { name } = layer;
  const grouping = groupingOf(scene, layer);
  const [delta, xhat] = [deltaOf(layer), `${name}.xhat`];
  const where = layer.type === "layer_norm" ? "all cases" : grouping.who.replace(/.* in /, "");
  const axes = layer.type === "layer_norm" ? "0" : grouping.axes.replace(", keepdims=True", "");
  const common = /** @type {const} */ ({ layer: name, phase: "gradients" });
  return [
    {
      ...common,
      target: `${name}.gamma_grad`,
      title: "The gradient of γ",
      says: `γ moves z by x̂, and z moves the loss by δ; ${where} add up.`,
      numpy: `gamma_grad = (delta * xhat).sum(axis=${axes})`,
      reads: [delta, xhat, ...penaltyReads(layer, "gamma")],
      expression: (at) => {
        const term = (/** @type {Place} */ p) => product(cell(delta, p), cell(xhat, p));
        return withPenalty(layer, "gamma", at, grouping.over(grouping.gained(at), term));
      },
      influences: (key, at) => [key === delta || key === xhat ? grouping.gainOf(at) : at],
    },
    {
      ...common,
      target: `${name}.beta_grad`,
      title: "The gradient of β",
      says: `β moves z as it is, so that its gradient is δ; ${where} add up.`,
      numpy: `beta_grad = delta.sum(axis=${axes})`,
      reads: [delta, ...penaltyReads(layer, "beta")],
      expression: (at) =>
        withPenalty(
          layer,
          "beta",
          at,
          grouping.over(grouping.gained(at), (p) => cell(delta, p)),
        ),
      influences: (key, at) => [key === delta ? grouping.gainOf(at) : at],
    },
  ];
}

/** The running mean and variance of batch normalisation move towards those of the minibatch.
 * @param {Scene} scene @param {SceneLayer} layer @returns {Operation[]} */
function runningStatistics(scene, layer) {
  if (layer.type !== "batch_norm") return [];
  const { name } = layer;
  const { count } = groupingOf(scene, layer);
  const { momentum } = layer.options;
  const moved = (
    /** @type {string} */ old,
    /** @type {Expression} */ now,
    /** @type {Place} */ at,
  ) =>
    sum([
      product(sum([constant(1), negative(constant(momentum, "μ"))]), cell(`${name}.${old}`, at)),
      product(constant(momentum, "μ"), now),
    ]);
  const common = /** @type {const} */ ({
    layer: name,
    phase: "update",
    influences: (/** @type {string} */ _, /** @type {Place} */ at) => [at],
  });
  const unbiased = count > 1 ? ` * ${count} / ${count - 1}` : "";
  return [
    {
      ...common,
      target: `${name}.mean_new`,
      title: "The running mean",
      says: "No gradient moves it: it takes over a share of the minibatch's mean, for evaluation.",
      numpy: `mean_new = (1 - ${momentum}) * mean + ${momentum} * m`,
      reads: [`${name}.mean`, `${name}.m`],
      expression: (at) => moved("mean", cell(`${name}.m`, at), at),
    },
    {
      ...common,
      target: `${name}.variance_new`,
      title: "The running variance",
      says:
        count > 1
          ? "Likewise a share of the minibatch's variance, by the estimate without bias: times N / (N − 1)."
          : "Of a single number there is no variance: it stays.",
      numpy:
        count > 1
          ? `variance_new = (1 - ${momentum}) * variance + ${momentum} * v${unbiased}`
          : "variance_new = variance",
      reads: count > 1 ? [`${name}.variance`, `${name}.v`] : [`${name}.variance`],
      expression: (at) => {
        if (count <= 1) return cell(`${name}.variance`, at);
        const N = constant(count, "N");
        const share = quotient(N, sum([N, negative(constant(1))]));
        return moved("variance", product(share, cell(`${name}.v`, at)), at);
      },
    },
  ];
}

/** `batch_norm` and `layer_norm`.
 * @type {Family} */
export const NORMALIZED = {
  forward: (scene, layer) => {
    const grouping = groupingOf(scene, layer);
    return [
      ...groupStatistics(layer, grouping),
      ...standardised(layer, grouping),
      ...activated(layer),
    ];
  },
  backward: (scene, layer) => {
    const grouping = groupingOf(scene, layer);
    return [
      ...throughActivation(scene, layer),
      ...backToStatistics(layer, grouping),
      backToInputs(scene, layer, grouping),
    ];
  },
  gradients: gainGradients,
  update: runningStatistics,
};
