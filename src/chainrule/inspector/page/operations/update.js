/** The operations of the update: the first step of each optimiser, weight by weight. */

import { sizeOf } from "../arrays.js";
import { nadamMomentum } from "../engine/optimizers.js";
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
import { infoOf } from "../scene.js";
import { sumOfAll } from "./common.js";

/**
 * @typedef {import("../arrays.js").Place} Place
 * @typedef {import("../expressions.js").Expression} Expression
 * @typedef {import("../scene.js").Named} Named
 * @typedef {import("../scene.js").Parameter} Parameter
 * @typedef {import("../scene.js").Scene} Scene
 * @typedef {import("../scene.js").SceneLayer} SceneLayer
 * @typedef {import("./operations.js").OperationRule} OperationRule
 *
 * @typedef {Object} StepFormula
 * @property {(options: Named) => string} says
 * @property {string} numpy of g, w and rate
 * @property {(g: Expression, options: Named) => Expression} step by what w falls, over the rate
 */

/** @param {Expression} x @returns {Expression} */
const squareRoot = (x) => curve("sqrt", Math.sqrt, (one) => 0.5 / Math.sqrt(one), x);

/** A share of a mean that begins at 0: (1 − β) x. @param {number} beta @param {string} letter
 * @param {Expression} x @returns {Expression} */
const share = (beta, letter, x) => product(constant(1 - beta, `(1 − ${letter})`), x);

/** @param {Expression} square @param {number} epsilon @returns {Expression} */
const rootAndEpsilon = (square, epsilon) => sum([squareRoot(square), constant(epsilon, "ε")]);

/** @param {Expression} g @returns {Expression} */
const squareOf = (g) => power(g, constant(2));

/** Adam's step: in the first one, m̂ is g, and v̂ its square.
 * @param {Expression} g @param {Named} options @returns {Expression} */
const adamFormula = (g, { epsilon }) => quotient(g, rootAndEpsilon(squareOf(g), epsilon));

/** @param {Expression} g @param {Named} options @returns {Expression} */
function rmspropFormula(g, { alpha, epsilon, centered }) {
  const square = share(alpha, "α", squareOf(g));
  if (!centered) return quotient(g, rootAndEpsilon(square, epsilon));
  const spread = sum([square, negative(squareOf(share(alpha, "α", g)))]);
  return quotient(g, rootAndEpsilon(call("max", Math.max, spread, constant(0)), epsilon));
}

/** @param {Expression} g @param {Named} options @returns {Expression} */
function nadamFormula(g, options) {
  const [now, later] = [nadamMomentum(options, 1), nadamMomentum(options, 2)];
  const ahead = product(
    quotient(constant(later, "μ₂"), constant(1 - now * later, "(1 − μ₁ μ₂)")),
    share(options.beta1, "β₁", g),
  );
  return quotient(sum([g, ahead]), rootAndEpsilon(squareOf(g), options.epsilon));
}

const ADAM_SAYS =
  "The running mean of the gradients over the root of that of their squares. Both are corrected for beginning at 0, so that the first step sees the gradient and its square themselves: it is about η long.";
const ADAM_NUMPY = "w_new = w - rate * g / (np.sqrt(g**2) + epsilon)";

/** @type {Record<string, StepFormula>} */
const STEP_FORMULAS = {
  sgd: {
    says: () =>
      "Each number takes a small step against its gradient: η times the gradient is taken away.",
    numpy: "w_new = w - rate * g",
    step: (g) => g,
  },
  momentum: {
    says: ({ nesterov }) =>
      `A velocity adds the gradients up, and begins at 0; the weight moves against it.${nesterov ? " Nesterov's form looks one step ahead, and adds the gradient." : ""}`,
    numpy: "w_new = w - rate * g  # the velocity is g in the first step",
    step: (g, { momentum, nesterov }) =>
      nesterov ? sum([g, product(constant(momentum, "μ"), g)]) : g,
  },
  adagrad: {
    says: () => "The gradient over the root of the sum of all its squares so far.",
    numpy: "w_new = w - rate * g / (np.sqrt(initial + g**2) + epsilon)",
    step: (g, { epsilon, initial }) =>
      quotient(
        g,
        rootAndEpsilon(initial ? sum([constant(initial), squareOf(g)]) : squareOf(g), epsilon),
      ),
  },
  rmsprop: {
    says: () => "The gradient over the root of a running mean of its squares, which begins at 0.",
    numpy: "w_new = w - rate * g / (np.sqrt((1 - alpha) * g**2) + epsilon)",
    step: rmspropFormula,
  },
  adam: {
    says: () => ADAM_SAYS,
    numpy: ADAM_NUMPY,
    step: adamFormula,
  },
  adamw: {
    says: () => ADAM_SAYS,
    numpy: ADAM_NUMPY,
    step: adamFormula,
  },
  nadam: {
    says: () => `${ADAM_SAYS} The mean looks one step ahead.`,
    numpy:
      "m_hat = g + mu_2 / (1 - mu_1 * mu_2) * (1 - beta1) * g; w_new = w - rate * m_hat / (np.sqrt(g**2) + epsilon)",
    step: nadamFormula,
  },
};

/** The most weights of which the length of the gradient is written out. */
const MOST_IN_NORM = 5000;

/** The update of every parameter of a layer that is trained.
 * @param {Scene} scene @param {SceneLayer} layer @returns {OperationRule[]} */
export function updatesOf(scene, layer) {
  const formula = STEP_FORMULAS[scene.optimizer.type];
  const trained = layer.parameters.filter((one) => formula && one.trained);
  return trained.map((one) => updated(scene, layer, one, formula));
}

/** @param {Scene} scene @param {SceneLayer} layer @param {Parameter} parameter
 * @param {StepFormula} formula @returns {OperationRule} */
function updated(scene, layer, { name, rate, is_bias }, formula) {
  const [w, gradient] = [`${layer.name}.${name}`, `${layer.name}.${name}_grad`];
  const clips = infoOf(scene, "loss.clip") !== undefined;
  const { type, biases, weight_decay } = scene.optimizer;
  const shrinks = type === "adamw" && (biases || !is_bias);
  return {
    target: `${layer.name}.${name}_new`,
    title: `The update of ${infoOf(scene, w)?.letter ?? name}`,
    says: !rate
      ? "The learning rate is 0 here, so that these numbers stay as they are."
      : `${formula.says(scene.optimizer)}${shrinks ? " Beforehand the weight shrinks by a fixed share of itself." : ""}`,
    numpy: `${shrinks ? "w = w * (1 - rate * weight_decay); " : ""}${formula.numpy}`,
    reads: clips ? [w, gradient, "loss.clip"] : [w, gradient],
    expression: (at) => {
      const own = cell(gradient, at);
      const g = clips ? product(cell("loss.clip", []), own) : own;
      const before = cell(w, at);
      const kept = shrinks
        ? product(constant(1 - rate * weight_decay, "(1 − η λ)"), before)
        : before;
      const step = product(constant(rate, "η"), formula.step(g, scene.optimizer));
      return sum([kept, negative(step)]);
    },
    influences: (key, at) => [key === "loss.clip" ? everyAxis(scene, w) : at],
  };
}

/** @param {Scene} scene @param {string} key @returns {null[]} */
const everyAxis = (scene, key) => (infoOf(scene, key)?.shape ?? []).map(() => null);

/** How the whole gradient is shortened, where its length has a limit.
 * @param {Scene} scene @returns {OperationRule[]} */
export function clipping(scene) {
  const most = scene.clip_norm;
  if (most === null || !STEP_FORMULAS[scene.optimizer.type] || !infoOf(scene, "loss.clip"))
    return [];
  /** @type {OperationRule} */
  const factor = {
    target: "loss.clip",
    title: "The gradient is shortened",
    says: "If the gradient of all weights together is too long, all of it is scaled down.",
    numpy: `clip = min(1, ${most} / norm)`,
    reads: ["loss.norm"],
    expression: () =>
      call("min", Math.min, constant(1), quotient(constant(most), cell("loss.norm", []))),
    influences: () => [[]],
  };
  return [...lengthOfGradient(scene), factor];
}

/** @param {Scene} scene @returns {OperationRule[]} */
function lengthOfGradient(scene) {
  const arrays = scene.arrays.filter(({ role }) => role === "parameter_gradient");
  const sizes = arrays.map(({ shape }) => sizeOf(shape));
  if (sizes.reduce((a, b) => a + b, 0) > MOST_IN_NORM) return [];
  return [
    {
      target: "loss.norm",
      title: "The length of the gradient",
      says: "The root of the sum of the squares of all gradients.",
      numpy: `norm = np.sqrt(${arrays.map(({ key }) => `(${key} ** 2).sum()`).join(" + ")})`,
      reads: arrays.map(({ key }) => key),
      expression: () =>
        squareRoot(sum(arrays.map(({ key, shape }) => sumOfAll(key, shape, squareOf)))),
      influences: () => [[]],
    },
  ];
}
