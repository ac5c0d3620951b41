/**
 * The losses of one row of outputs, a case or a step of a sequence, in the forms of `nn/losses.py`.
 *
 * @typedef {import("../scene.js").Named} Named
 *
 * @typedef {Object} Row  the numbers of one row
 * @property {Float64Array} y what came out
 * @property {Float64Array} t what should have come out
 * @property {Float64Array} [z] the logits, where the loss is computed from these
 *
 * @typedef {Object} LossRule
 * @property {(row: Row, options: Named) => number} each the loss of the row
 * @property {(row: Row, options: Named) => Float64Array} slope its derivatives by y
 */

import { clamped } from "../arrays.js";
import { sigmoid, softplus } from "./activations.js";

/** A loss that is the mean of a function of d = y − t.
 * @param {(d: number, options: Named) => number} rho @param {(d: number, options: Named) => number} slope
 * @returns {LossRule} */
function residualLoss(rho, slope) {
  return {
    each: ({ y, t }, options) =>
      y.reduce((total, one, j) => total + rho(one - t[j], options), 0) / y.length,
    slope: ({ y, t }, options) => y.map((one, j) => slope(one - t[j], options) / y.length),
  };
}

/** @param {number} d @param {Named} options @returns {number} */
export function huber(d, { delta }) {
  const size = Math.abs(d);
  return size <= delta ? 0.5 * d * d : delta * (size - 0.5 * delta);
}

/** @param {number} d @param {Named} options @returns {number} */
export const huberSlope = (d, { delta }) => clamped(d, -delta, delta);

/** ln cosh d, in a form that neither overflows nor cancels. @param {number} d @returns {number} */
export function logCosh(d) {
  const size = Math.abs(d);
  const sinh = Math.sinh(0.5 * d);
  if (size < 1) return Math.log1p(2 * sinh * sinh);
  return size + Math.log1p(Math.exp(-2 * size)) - Math.LN2;
}

/** t ln y, which is 0 where t is. @param {number} t @param {number} y @returns {number} */
const timesLog = (t, y) => (t === 0 ? 0 : t * Math.log(y));

/** The index of the largest number. @param {Float64Array} row @returns {number} */
const largestOf = (row) => row.reduce((best, one, j) => (one > row[best] ? j : best), 0);

/** 1 + y_j − y_t for the wrong classes, 0 for the true one.
 * @param {Row} row @returns {Float64Array} */
function margins({ y, t }) {
  const right = largestOf(t);
  return y.map((one, j) => (j === right ? 0 : 1 + one - y[right]));
}

/** σ(−z), the probability of no: 1 − y would lose digits. @param {Row} row @param {number} j */
const otherOf = ({ z }, j) => sigmoid(-(/** @type {Float64Array} */ (z)[j]));

/** The slope of binary cross-entropy by y, given the probability of no as well.
 * @param {Float64Array} y @param {(j: number) => number} other @param {Float64Array} t */
const slopeOfTwo = (y, other, t) =>
  y.map((one, j) => {
    const wrong = t[j] === 1 ? 0 : (1 - t[j]) / other(j);
    return (wrong - (t[j] === 0 ? 0 : t[j] / one)) / y.length;
  });

/** @type {Record<string, LossRule>} */
export const LOSSES = {
  mse: residualLoss(
    (d) => d * d,
    (d) => 2 * d,
  ),
  mae: residualLoss(Math.abs, Math.sign),
  huber: residualLoss(huber, huberSlope),
  log_cosh: residualLoss(logCosh, Math.tanh),
  cross_entropy: {
    each: ({ y, t }) => -y.reduce((total, one, j) => total + timesLog(t[j], one), 0),
    slope: ({ y, t }) => y.map((one, j) => (t[j] === 0 ? 0 : -t[j] / one)),
  },
  binary_cross_entropy: {
    each: ({ y, t }) =>
      -y.reduce((total, one, j) => total + timesLog(t[j], one) + timesLog(1 - t[j], 1 - one), 0) /
      y.length,
    slope: ({ y, t }) => slopeOfTwo(y, (j) => 1 - y[j], t),
  },
  hinge: {
    each: (row) => margins(row).reduce((total, one) => (one > 0 ? total + one : total), 0),
    slope: (row) => {
      const found = margins(row).map((one) => (one > 0 ? 1 : 0));
      found[largestOf(row.t)] = -found.reduce((total, one) => total + one, 0);
      return found;
    },
  },
};

/** ln Σ e^z − z_m and z − z_m, with z_m the largest logit. @param {Float64Array} z */
function belowLargest(z) {
  const most = largestOf(z);
  const below = z.map((one) => one - z[most]);
  const others = below.reduce((total, one, j) => (j === most ? total : total + Math.exp(one)), 0);
  return { below, logSum: Math.log1p(others) };
}

/** The sum of all numbers but one. @param {Float64Array} row @param {number} j */
const sumWithout = (row, j) => row.reduce((total, one, k) => (k === j ? total : total + one), 0);

/**
 * The losses that are computed from the logits z; their slope is by z.
 *
 * @type {Record<string, LossRule & {slopeByY: (row: Row) => Float64Array}>}
 */
export const LOSSES_FROM_LOGITS = {
  cross_entropy: {
    each: ({ z, t }) => {
      const { below, logSum } = belowLargest(/** @type {Float64Array} */ (z));
      return t.reduce(
        (total, one, j) => (one === 0 ? total : total + one * (logSum - below[j])),
        0,
      );
    },
    slope: ({ y, t }) => {
      const all = t.reduce((total, one) => total + one, 0);
      return y.map((one, j) => one * (all - t[j]) - (t[j] === 0 ? 0 : t[j] * sumWithout(y, j)));
    },
    slopeByY: (row) => LOSSES.cross_entropy.slope(row, { type: "cross_entropy" }),
  },
  binary_cross_entropy: {
    each: ({ z, t }) =>
      /** @type {Float64Array} */ (z).reduce(
        (total, one, j) => total + (1 - t[j]) * softplus(one) + t[j] * softplus(-one),
        0,
      ) / t.length,
    slope: (row) =>
      row.y.map((one, j) => ((1 - row.t[j]) * one - row.t[j] * otherOf(row, j)) / row.t.length),
    slopeByY: (row) => slopeOfTwo(row.y, (j) => otherOf(row, j), row.t),
  },
};
