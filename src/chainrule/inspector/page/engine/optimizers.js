/**
 * The first step of every optimiser, in the forms of `training/optimizers/rules.py`.
 *
 * @typedef {import("../scene.js").Named} Named
 * @typedef {{w: number, g: number, rate: number, decays: boolean}} Weighed  a weight, its gradient
 *   after clipping, its learning rate, and whether a decay of the weights applies to it
 */

/** Nadam's momentum of a step. @param {Named} options @param {number} step @returns {number} */
export const nadamMomentum = ({ beta1, momentum_decay }, step) =>
  beta1 * (1 - 0.5 * 0.96 ** (step * momentum_decay));

/** The root of the second moment after one step, as Adam and its relatives divide by it.
 * @param {Weighed} of @param {Named} options @returns {number} */
const firstRoot = ({ g }, { beta2, epsilon }) =>
  Math.sqrt((1 - beta2) * g * g) / Math.sqrt(1 - beta2) + epsilon;

/** @param {Weighed} of @param {Named} options @returns {number} */
function adamStep(of, options) {
  const m = of.g * (1 - options.beta1);
  return (m / firstRoot(of, options)) * (of.rate / (1 - options.beta1));
}

/** @param {Weighed} of @param {Named} options @returns {number} */
function rmspropStep({ g, rate }, { alpha, epsilon, centered }) {
  const square = (1 - alpha) * g * g;
  const mean = (1 - alpha) * g;
  const spread = centered ? Math.max(square - mean * mean, 0) : square;
  return (g / (Math.sqrt(spread) + epsilon)) * rate;
}

/** @param {Weighed} of @param {Named} options @returns {number} */
function nadamStep(of, options) {
  const [mu, later] = [nadamMomentum(options, 1), nadamMomentum(options, 2)];
  const root = firstRoot(of, options);
  const now = (of.g * ((of.rate * (1 - mu)) / (1 - mu))) / root;
  const m = of.g * (1 - options.beta1);
  return now + (m * ((of.rate * later) / (1 - mu * later))) / root;
}

/** @type {Record<string, (of: Weighed, options: Named) => number>} the weight after the step */
export const FIRST_STEPS = {
  sgd: ({ w, g, rate }) => w - g * rate,
  momentum: ({ w, g, rate }, { momentum, nesterov }) =>
    w - (nesterov ? g * momentum + g : g) * rate,
  adagrad: ({ w, g, rate }, { epsilon, initial }) =>
    w - (g / (Math.sqrt(initial + g * g) + epsilon)) * rate,
  rmsprop: (of, options) => of.w - rmspropStep(of, options),
  adam: (of, options) => of.w - adamStep(of, options),
  adamw: (of, options) =>
    (of.decays || options.biases ? of.w * (1 - of.rate * options.weight_decay) : of.w) -
    adamStep(of, options),
  nadam: (of, options) => of.w - nadamStep(of, options),
};
