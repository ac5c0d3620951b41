/** Back through time: the gradients of every step of a layer with states. */
import { derivativeOf } from "../engine/activations.js";
import { putsOutLast, reachOf } from "../engine/sequences.js";
import { call, cell, negative, product, sum } from "../expressions.js";
import { countOfCases } from "../scene.js";
import { range, sentTo } from "./common.js";
import {
  addedUp,
  atSteps,
  deltaName,
  keptBy,
  NOTHING,
  oneMinus,
  PARTS,
  readsBefore,
  squared,
  stateBefore,
  tanhOf,
  tanhSlope,
  throughKept,
  throughU,
  WHOLE,
} from "./unrolled.js";

/**
 * @typedef {import("../arrays.js").Place} Place
 * @typedef {import("../arrays.js").Region} Region
 * @typedef {import("../expressions.js").Expression} Expression
 * @typedef {import("../scene.js").SceneLayer} SceneLayer
 * @typedef {import("./operations.js").OperationRule} OperationRule
 * @typedef {import("./unrolled.js").Unrolled} Unrolled
 * @typedef {import("./unrolled.js").Walk} Walk
 */

/** ∂L/∂h of each step, as a walk finds it. @param {Unrolled} one @param {Walk} walk
 * @returns {OperationRule} */
function byState(one, walk) {
  const { layer, key, sums } = one;
  const own = (/** @type {number} */ n, /** @type {number} */ s, /** @type {number} */ k) => {
    if (!putsOutLast(layer)) return [cell(key("J"), [n, s, k])];
    return s === one.length(n) - 1 ? [cell(key("J"), [n, k])] : [];
  };
  const deltas = sums
    .filter(({ U }) => U !== null)
    .map(({ gate }) => deltaName(gate) + walk.suffix);
  const kept = keptBy(one)?.[0] === "h" ? [`J_h${walk.suffix}`, "u"] : [];
  return {
    target: key(`J_h${walk.suffix}`),
    title: "Back to the state of each step",
    says: walk.parts
      ? "The gradient reaches back a few steps only. Each output sends its own part back, step by step."
      : "A state moves the loss through the step's own output and through every gate of the next step.",
    numpy: "J_h[:, s] = J[:, s] + delta[:, s + 1] @ U.T",
    reads: [key("J"), key("U"), ...deltas.map(key), ...kept.map(key)],
    expression: (at) => {
      const [n, s, k] = walk.parts ? [at[0], at[2], at[3]] : at;
      const part = walk.parts ? at[1] : 0;
      if (!reaches(one, n, s, part)) return NOTHING;
      const after = walk.parts ? [n, part - 1, s + 1, k] : [n, s + 1, k];
      const first = walk.parts ? part === 0 : true;
      const later = walk.parts ? part > 0 : s + 1 < one.length(n);
      return addedUp([
        ...(first ? own(n, s, k) : []),
        ...(later
          ? [...throughU(one, walk, after, k), ...throughKept(one, walk, "h", after)]
          : []),
      ]);
    },
    influences: (from, at) => byStateInfluences(one, walk, from, at),
  };
}

/** Whether ∂L/∂state of a step is more than 0: it is real, and an output within reach is after it.
 * @param {Unrolled} one @param {number} n @param {number} s @param {number} part */
function reaches(one, n, s, part) {
  return s + part < one.length(n) && s >= firstReached(one, n);
}

/** The first step of a case that the gradient goes back to. @param {Unrolled} one @param {number} n */
const firstReached = (one, n) =>
  Math.max(0, putsOutLast(one.layer) ? one.length(n) - (reachOf(one.layer) ?? one.steps) : 0);

/** The parts that a step has, as a half-open range from a first one on.
 * @param {Unrolled} one @param {number} n @param {number} s @param {number} first
 * @returns {[number, number]} */
const rangeOfParts = (one, n, s, first) => [
  first,
  Math.min(reachOf(one.layer) ?? one.steps, one.length(n) - s),
];

/** The cells of ∂L/∂h that a cell goes into.
 * @param {Unrolled} one @param {Walk} walk @param {string} from @param {Place} at
 * @returns {Region[]} */
function byStateInfluences(one, walk, from, at) {
  const { key, layer } = one;
  if (from === key("U")) return influencesOfU(one, walk, at[0]);
  if (from === key("J")) {
    const [n, s, k] = putsOutLast(layer) ? [at[0], one.length(at[0]) - 1, at[1]] : at;
    return s < one.length(n) ? [walk.parts ? [n, 0, s, k] : [n, s, k]] : [];
  }
  if (from === key("u")) return influencesOfKept(one, walk, at);
  return influencesOfLater(one, walk, at, from === key(`J_h${walk.suffix}`));
}

/** Of row k of U: every step behind which there is another.
 * @param {Unrolled} one @param {Walk} walk @param {number} k @returns {Region[]} */
function influencesOfU(one, walk, k) {
  if (!walk.parts) return atSteps(one, (n) => [firstReached(one, n), one.length(n) - 1], k);
  return range((reachOf(one.layer) ?? one.steps) - 1).flatMap((part) =>
    atSteps(one, (n) => [0, one.length(n) - part - 1], k).map(([n, steps, unit]) => [
      n,
      part + 1,
      steps,
      unit,
    ]),
  );
}

/** Of a gradient of the step after: ∂L/∂state of the same unit, or δ, which goes to every unit.
 * @param {Unrolled} one @param {Walk} walk @param {Place} at @param {boolean} isSame
 * @returns {Region[]} */
function influencesOfLater(one, walk, at, isSame) {
  const [n, s, k] = walk.parts ? [at[0], at[2], at[3]] : at;
  const part = walk.parts ? at[1] + 1 : 0;
  if (s === 0 || s >= one.length(n) || !reaches(one, n, s - 1, part)) return [];
  const unit = isSame ? k : null;
  if (!walk.parts) return [[n, s - 1, unit]];
  return part < (reachOf(one.layer) ?? one.steps) ? [[n, part, s - 1, unit]] : [];
}

/** Of the gate that keeps a state: ∂L/∂state of the step before.
 * @param {Unrolled} one @param {Walk} walk @param {Place} at @returns {Region[]} */
function influencesOfKept(one, walk, [n, s, k]) {
  if (s === 0 || s >= one.length(n) || !reaches(one, n, s - 1, 0)) return [];
  if (!walk.parts) return [[n, s - 1, k]];
  const [first, stop] = rangeOfParts(one, n, s - 1, 1);
  return first < stop ? [[n, [first, stop], s - 1, k]] : [];
}

/** The same place of a gradient, if it is reached; of every part that there is.
 * @param {Unrolled} one @param {Walk} walk @param {Place} at [case, step, unit]
 * @returns {Region[]} */
function samePlace(one, walk, [n, s, k]) {
  if (!reaches(one, n, s, 0)) return [];
  return [walk.parts ? [n, rangeOfParts(one, n, s, 0), s, k] : [n, s, k]];
}

/** The same place as of another gradient of the walk, if it is reached.
 * @param {Unrolled} one @param {Walk} walk @param {Place} at @returns {Region[]} */
const sameOfWalk = (one, walk, at) =>
  (walk.parts ? reaches(one, at[0], at[2], at[1]) : reaches(one, at[0], at[1], 0)) ? [at] : [];

/** ∂L/∂c of each step of an LSTM. @param {Unrolled} one @param {Walk} walk @returns {OperationRule} */
function byCell(one, walk) {
  const { key } = one;
  const [J_h, J_c] = [key(`J_h${walk.suffix}`), key(`J_c${walk.suffix}`)];
  return {
    target: key(`J_c${walk.suffix}`),
    title: "Back to the cell of each step",
    says: "A cell moves the loss through h = o tanh(c), and by what the next step keeps of it, which is f.",
    numpy:
      "J_c[:, s] = J_h[:, s] * o[:, s] * (1 - np.tanh(c[:, s]) ** 2) + J_c[:, s + 1] * f[:, s + 1]",
    reads: [J_h, key("o"), key("c"), J_c, key("f")],
    expression: (at) => {
      const [n, s, k] = walk.parts ? [at[0], at[2], at[3]] : at;
      const part = walk.parts ? at[1] : 0;
      if (!reaches(one, n, s, part)) return NOTHING;
      const after = walk.parts ? [n, part - 1, s + 1, k] : [n, s + 1, k];
      const later = walk.parts ? part > 0 : s + 1 < one.length(n);
      const own = product(
        cell(J_h, at),
        cell(key("o"), [n, s, k]),
        call("tanh′", tanhSlope, cell(key("c"), [n, s, k])),
      );
      return addedUp([own, ...(later ? throughKept(one, walk, "c", after) : [])]);
    },
    influences: (from, at) => {
      if (from === J_h) return sameOfWalk(one, walk, at);
      if (from === J_c) return influencesOfLater(one, walk, at, true);
      return from === key("f") ? influencesOfKept(one, walk, at) : samePlace(one, walk, at);
    },
  };
}

/** The sum of the parts of a truncated gradient. @param {Unrolled} one @param {"h" | "c"} state
 * @returns {OperationRule} */
function sumOfBackParts(one, state) {
  const parts = one.key(`J_${state}_back`);
  const reach = reachOf(one.layer) ?? one.steps;
  return {
    target: one.key(`J_${state}`),
    title: `All that reaches ${state} of each step`,
    says: "The parts by all outputs within reach add up.",
    numpy: `J_${state} = J_${state}_back.sum(axis=1)`,
    reads: [parts],
    expression: ([n, s, k]) =>
      sum(
        range(reach).map((part) => cell(parts, [n, part, s, k])),
        "m",
      ),
    influences: (_, [n, , s, k]) => [[n, s, k]],
  };
}

/**
 * What δ of a gate is, beside ∂L/∂state.
 *
 * @typedef {Object} SlopeRule
 * @property {string} gate
 * @property {"h" | "c" | "g"} by ∂L/∂h, ∂L/∂c, or δ of the candidate
 * @property {string[]} names the arrays that it reads
 * @property {(at: (name: string) => Expression, before: Expression) => Expression[]} factors
 * @property {"h" | "c"} [state] the state before, if it is a factor
 * @property {string} numpy
 */

const sigmoidSlope = (/** @type {Expression} */ gate) => [gate, oneMinus(gate)];

/** @type {Record<string, SlopeRule[]>} */
const SLOPE_RULES = {
  lstm: [
    {
      gate: "i",
      by: "c",
      names: ["g", "i"],
      factors: (at) => [at("g"), ...sigmoidSlope(at("i"))],
      numpy: "J_c * g * i * (1 - i)",
    },
    {
      gate: "f",
      by: "c",
      names: ["f"],
      state: "c",
      factors: (at, before) => [before, ...sigmoidSlope(at("f"))],
      numpy: "J_c * c_before * f * (1 - f)",
    },
    {
      gate: "g",
      by: "c",
      names: ["i", "g"],
      factors: (at) => [at("i"), oneMinus(squared(at("g")))],
      numpy: "J_c * i * (1 - g ** 2)",
    },
    {
      gate: "o",
      by: "h",
      names: ["c", "o"],
      factors: (at) => [tanhOf(at("c")), ...sigmoidSlope(at("o"))],
      numpy: "J_h * np.tanh(c) * o * (1 - o)",
    },
  ],
  gru: [
    {
      gate: "u",
      by: "h",
      names: ["g", "u"],
      state: "h",
      factors: (at, before) => [sum([before, negative(at("g"))]), ...sigmoidSlope(at("u"))],
      numpy: "J_h * (h_before - g) * u * (1 - u)",
    },
    {
      gate: "g",
      by: "h",
      names: ["u", "g"],
      factors: (at) => [oneMinus(at("u")), oneMinus(squared(at("g")))],
      numpy: "J_h * (1 - u) * (1 - g ** 2)",
    },
    { gate: "m", by: "g", names: ["r"], factors: (at) => [at("r")], numpy: "delta_g * r" },
    {
      gate: "r",
      by: "g",
      names: ["z_m", "r"],
      factors: (at) => [at("z_m"), ...sigmoidSlope(at("r"))],
      numpy: "delta_g * z_m * r * (1 - r)",
    },
  ],
};

/** The rule of a recurrent layer. @param {SceneLayer} layer @returns {SlopeRule[]} */
function recurrentRule({ activation }) {
  if (!activation || activation.type === "linear")
    return [{ gate: "", by: "h", names: [], factors: () => [], numpy: "J_h" }];
  const { symbol, f } = derivativeOf(activation);
  return [
    {
      gate: "",
      by: "h",
      names: ["z"],
      factors: (at) => [call(symbol, f, at("z"))],
      numpy: "J_h * phi_slope(z)",
    },
  ];
}

/** δ of a gate at each step. @param {Unrolled} one @param {Walk} walk @param {SlopeRule} rule
 * @returns {OperationRule} */
function deltaOfGate(one, walk, rule) {
  const { key } = one;
  const from = key((rule.by === "g" ? "delta_g" : `J_${rule.by}`) + walk.suffix);
  const here = rule.names.map(key);
  const before = rule.state ? readsBefore(one, rule.state) : [];
  return {
    target: key(deltaName(rule.gate) + walk.suffix),
    title: rule.gate ? `Back to gate ${rule.gate}` : "Back to z of each step",
    says: rule.gate
      ? "What the gate moves, times the slope of the gate itself."
      : "δ says how the loss moves with z: how it moves with h, times the slope of the activation at this z.",
    numpy: `${deltaName(rule.gate)} = ${rule.numpy}`,
    reads: [from, ...here, ...before],
    expression: (at) => {
      const [n, s, k] = walk.parts ? [at[0], at[2], at[3]] : at;
      if (!reaches(one, n, s, walk.parts ? at[1] : 0)) return NOTHING;
      const state = rule.state ? (stateBefore(one, rule.state, n, s, k) ?? NOTHING) : NOTHING;
      const factors = rule.factors((name) => cell(key(name), [n, s, k]), state);
      return factors.length ? product(cell(from, at), ...factors) : cell(from, at);
    },
    influences: (name, at) => [
      ...(name === from ? sameOfWalk(one, walk, at) : []),
      ...(here.includes(name) && at.length === 3 ? samePlace(one, walk, at) : []),
      ...(before.includes(name) ? afterReached(one, walk, at) : []),
    ],
  };
}

/** The places, where they are reached, of the step after a state.
 * @param {Unrolled} one @param {Walk} walk @param {Place} at of the state, or [unit] of its start
 * @returns {Region[]} */
function afterReached(one, walk, at) {
  if (at.length === 3) return samePlace(one, walk, [at[0], at[1] + 1, at[2]]);
  return range(countOfCases(one.scene)).flatMap((n) => samePlace(one, walk, [n, 0, at[0]]));
}

/** ∂L/∂x of each step. @param {Unrolled} one @returns {OperationRule} */
export function stepsSentBack(one) {
  const { layer, key, sums, size } = one;
  const withW = sums.filter(({ W }) => W !== null);
  return {
    title: "Back to the inputs of each step",
    target: sentTo(one.scene, layer),
    says: "An input moves the loss through every gate of its own step; the later steps are in δ already.",
    numpy: "J_before[:, s] = delta[:, s] @ W.T",
    reads: [...withW.map(({ gate }) => key(deltaName(gate))), key("W")],
    expression: ([n, s, i]) =>
      s < one.length(n)
        ? addedUp(
            withW.map(({ gate, W }) =>
              sum(
                range(size).map((j) =>
                  product(
                    cell(key(deltaName(gate)), [n, s, j]),
                    cell(key("W"), [i, /** @type {number} */ (W) * size + j]),
                  ),
                ),
                "j",
              ),
            ),
          )
        : NOTHING,
    influences: (from, at) => {
      if (from === key("W")) return atSteps(one, (n) => [0, one.length(n)], at[0]);
      return at[1] < one.length(at[0]) ? [[at[0], at[1], null]] : [];
    },
  };
}

/** @param {Unrolled} one @returns {OperationRule[]} */
export function wayBack(one) {
  const rules = SLOPE_RULES[one.layer.type] ?? recurrentRule(one.layer);
  const isLstm = one.layer.type === "lstm";
  const deltas = (/** @type {Walk} */ walk) => rules.map((rule) => deltaOfGate(one, walk, rule));
  const states = (/** @type {Walk} */ walk) => [
    byState(one, walk),
    ...(isLstm ? [byCell(one, walk)] : []),
  ];
  if (putsOutLast(one.layer) || !reachOf(one.layer)) return [...states(WHOLE), ...deltas(WHOLE)];
  return [
    ...states(PARTS),
    ...deltas(PARTS),
    sumOfBackParts(one, "h"),
    ...(isLstm ? [sumOfBackParts(one, "c")] : []),
    ...deltas(WHOLE),
  ];
}
