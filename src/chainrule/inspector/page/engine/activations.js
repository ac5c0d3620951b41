/**
 * The activations and their slopes, both from z, in the forms of `nn/activations.py`: none of them
 * overflows or cancels.
 *
 * @typedef {import("../scene.js").Named} Named
 * @typedef {{symbol: string, f: (z: number) => number}} Curve  its name in formulas, and itself
 *
 * @typedef {Object} ActivationRule
 * @property {string} symbol as formulas write it
 * @property {(z: number, options: Named) => number} value
 * @property {(z: number, options: Named) => number} slope
 */

const SELU_SCALE = 1.0507009873554805;
const SELU_ALPHA = 1.6732632423543772;

/** e^(−|z|), which never overflows. @param {number} z @returns {number} */
const decay = (z) => Math.exp(-Math.abs(z));

/** σ(z), whose quotient is corrected by what its rounding left over.
 * @param {number} z @returns {number} */
export function sigmoid(z) {
  const t = decay(z);
  const s = 1 + t;
  const over = z >= 0 ? 1 : t;
  const quotient = over / s;
  return quotient + (over - quotient - quotient * t) / s;
}

/** @param {number} z @returns {number} */
function slopeOfSigmoid(z) {
  const t = decay(z);
  return t / ((1 + t) * (1 + t));
}

/** ln(1 + e^z). @param {number} z @returns {number} */
export const softplus = (z) => (z >= 0 ? z : Number.isNaN(z) ? z : 0) + Math.log1p(decay(z));

/** 1 / cosh²(z), which is 0 where cosh overflows. @param {number} z @returns {number} */
function slopeOfTanh(z) {
  const cosh = Math.cosh(z);
  return 1 / (cosh * cosh);
}

/** erfc(x) for x ≥ 0: near 0 from the series of erf, all of whose terms are positive, and farther
 * out by its continued fraction.
 * @param {number} x @returns {number} */
function erfcOfPositive(x) {
  if (x > 27) return 0;
  const scale = Math.exp(-x * x) / Math.sqrt(Math.PI);
  if (x < 2) {
    let term = 2 * x;
    let total = term;
    for (let n = 1; term > 1e-18 * total; n++) {
      term *= (2 * x * x) / (2 * n + 1);
      total += term;
    }
    return 1 - scale * total;
  }
  let fraction = x;
  for (let n = 120; n > 0; n--) fraction = x + n / 2 / fraction;
  return scale / fraction;
}

/** Φ(z), the share of a standard normal distribution that lies below z.
 * @param {number} z @returns {number} */
function normalShare(z) {
  if (Number.isNaN(z)) return z;
  const tail = 0.5 * erfcOfPositive(Math.abs(z) / Math.SQRT2);
  return z < 0 ? tail : 1 - tail;
}

/** The density of the standard normal distribution, times z.
 * @param {number} z @returns {number} */
function zTimesDensity(z) {
  const near = Math.abs(z) < 40 ? z : Number.isNaN(z) ? z : 40;
  return (near * Math.exp(-0.5 * near * near)) / Math.sqrt(2 * Math.PI);
}

/** tanh(ln(1 + e^z)). @param {number} z @returns {number} */
function mishGate(z) {
  const t = decay(z);
  if (z >= 0) return (1 + 2 * t) / (1 + 2 * t + 2 * t * t);
  return (t * (t + 2)) / (t * (t + 2) + 2);
}

/** @type {Record<string, ActivationRule>} */
const ACTIVATIONS = {
  linear: { symbol: "φ", value: (z) => z, slope: () => 1 },
  sigmoid: { symbol: "σ", value: sigmoid, slope: slopeOfSigmoid },
  tanh: { symbol: "tanh", value: Math.tanh, slope: slopeOfTanh },
  relu: { symbol: "relu", value: (z) => Math.max(z, 0), slope: (z) => (z > 0 ? 1 : 0) },
  leaky_relu: {
    symbol: "leaky relu",
    value: (z, { slope }) => (z > 0 ? z : z * slope),
    slope: (z, { slope }) => (z > 0 ? 1 : slope),
  },
  elu: {
    symbol: "elu",
    value: (z, { alpha }) => (z > 0 ? z : alpha * Math.expm1(z)),
    slope: (z, { alpha }) => (z > 0 ? 1 : alpha * Math.exp(z)),
  },
  selu: {
    symbol: "selu",
    value: (z) => SELU_SCALE * (z > 0 ? z : SELU_ALPHA * Math.expm1(z)),
    slope: (z) => SELU_SCALE * (z > 0 ? 1 : SELU_ALPHA * Math.exp(z)),
  },
  gelu: {
    symbol: "gelu",
    value: (z) => z * normalShare(z),
    slope: (z) => normalShare(z) + zTimesDensity(z),
  },
  silu: {
    symbol: "silu",
    value: (z) => z * sigmoid(z),
    slope: (z) => sigmoid(z) + z * slopeOfSigmoid(z),
  },
  mish: {
    symbol: "mish",
    value: (z) => z * mishGate(z),
    slope: (z) => mishGate(z) + z * slopeOfTanh(softplus(z)) * sigmoid(z),
  },
  softplus: { symbol: "softplus", value: softplus, slope: sigmoid },
  softsign: {
    symbol: "softsign",
    value: (z) => z / (1 + Math.abs(z)),
    slope: (z) => (1 / (1 + Math.abs(z))) ** 2,
  },
};

/** The activation as a function of z.
 * @param {Named} named @returns {Curve} */
export function functionOf(named) {
  const { symbol, value } = ACTIVATIONS[named.type];
  return { symbol, f: (z) => value(z, named) };
}

/** The slope of the activation as a function of z.
 * @param {Named} named @returns {Curve} */
export function derivativeOf(named) {
  const { symbol, slope } = ACTIVATIONS[named.type];
  return { symbol: `${symbol}′`, f: (z) => slope(z, named) };
}
