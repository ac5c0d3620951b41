/** The activations and their slopes, both from z, as `nn/activations.py` defines them. */

/**
 * @typedef {import("../scene.js").Named} Named
 * @typedef {{symbol: string, f: (z: number) => number}} Curve  its name in formulas, and itself
 */

/** @type {Record<string, {symbol: string, value: (z: number, options: Named) => number, slope: (z: number, options: Named) => number}>} */
const ACTIVATIONS = {
  linear: { symbol: "φ", value: (z) => z, slope: () => 1 },
  tanh: { symbol: "tanh", value: Math.tanh, slope: (z) => 1 / Math.cosh(z) ** 2 },
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
