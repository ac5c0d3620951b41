/**
 * What the operations of layers with states have in common: unrolled, step by step.
 *
 * A place is [case, step, unit]. At padding a value is NaN, and a gradient 0.
 */
import { GATE_SUMS, givenStart, putsOutLast, sigma } from "../engine/sequences.js";
import { cell, constant, curve, negative, power, product, sum } from "../expressions.js";
import { countOfCases, lengthOf } from "../scene.js";
import { range } from "./common.js";

/**
 * @typedef {import("../arrays.js").Place} Place
 * @typedef {import("../arrays.js").Region} Region
 * @typedef {import("../expressions.js").Expression} Expression
 * @typedef {import("../scene.js").Scene} Scene
 * @typedef {import("../scene.js").SceneLayer} SceneLayer
 * @typedef {import("../engine/sequences.js").GateSum} GateSum
 *
 * @typedef {Object} Unrolled  a layer with states, and where its arrays are
 * @property {Scene} scene
 * @property {SceneLayer} layer
 * @property {number} steps
 * @property {number} size
 * @property {GateSum[]} sums
 * @property {(name: string) => string} key of an array of the layer
 * @property {(state: "h" | "c") => string} state the key of a state after every step
 * @property {(n: number) => number} length how many steps of a case are real
 * @property {(name: string) => boolean} has whether there is a parameter of this name
 */

/** @param {Scene} scene @param {SceneLayer} layer @returns {Unrolled} */
export function unrolled(scene, layer) {
  const key = (/** @type {string} */ name) => `${layer.name}.${name}`;
  const steps = layer.input_shape[0];
  return {
    scene,
    layer,
    steps,
    size: layer.z_shape[1] / (layer.type === "recurrent" ? 1 : 5),
    sums: GATE_SUMS[layer.type],
    key,
    state: (state) => key(state === "h" && !putsOutLast(layer) ? "out" : state),
    length: (n) => lengthOf(scene, n, steps),
    has: (name) => layer.parameters.some((one) => one.name === name),
  };
}

export const PADDING = constant(NaN, "padding");
export const NOTHING = constant(0);
export const oneMinus = (/** @type {Expression} */ one) => sum([constant(1), negative(one)]);
export const squared = (/** @type {Expression} */ one) => power(one, constant(2, ""));
export const tanhSlope = (/** @type {number} */ x) => 1 / Math.cosh(x) ** 2;
export const tanhOf = (/** @type {Expression} */ one) => curve("tanh", Math.tanh, tanhSlope, one);
export const gateOf = (/** @type {Expression} */ one) =>
  curve("σ", sigma, (x) => sigma(x) * sigma(-x), one);
/** The terms that are there, as a sum where there are several. @param {Expression[]} terms */
export const addedUp = (terms) => (terms.length > 1 ? sum(terms) : (terms[0] ?? NOTHING));

/** A state of a unit before a step; null where it is 0 from the start.
 * @param {Unrolled} one @param {"h" | "c"} state @param {number} n @param {number} s @param {number} k
 * @returns {Expression | null} */
export function stateBefore(one, state, n, s, k) {
  if (s > 0) return cell(one.state(state), [n, s - 1, k]);
  if (one.has(`${state}0`)) return cell(one.key(`${state}0`), [k]);
  const given = givenStart(one.layer, state);
  return given ? constant(given[k], `${state}⁰`) : null;
}

/** What a state before each step is read from. @param {Unrolled} one @param {"h" | "c"} state */
export const readsBefore = (one, state) => [
  one.state(state),
  ...(one.has(`${state}0`) ? [one.key(`${state}0`)] : []),
];

/** The places [case, step, unit] of all cases at a range of their steps; one region for all where
 * every case has the same steps.
 * @param {Unrolled} one @param {(n: number) => [number, number]} stepsOf half-open, of a case
 * @param {number | null} unit @returns {Region[]} */
export function atSteps(one, stepsOf, unit) {
  const cases = one.scene.lengths ? range(countOfCases(one.scene)) : [null];
  return cases.flatMap((n) => {
    const [start, stop] = stepsOf(n ?? 0);
    return start < stop ? [[n, /** @type {[number, number]} */ ([start, stop]), unit]] : [];
  });
}

/** The cells, of an array with the same places, that the state before each step goes into.
 * @param {Unrolled} one @param {Place} at @param {null | "same"} unit @returns {Region[]} */
export function afterState(one, at, unit) {
  if (at.length === 1) return [[null, 0, unit && at[0]]];
  return at[1] + 1 < one.length(at[0]) ? [[at[0], at[1] + 1, unit && at[2]]] : [];
}

/** Whether h before the first step is more than nothing. @param {Unrolled} one */
export const hasStart = (one) => stateBefore(one, "h", 0, 0, 0) !== null;

/**
 * The gradients of one walk back: all of it, or, of a truncated gradient of all outputs, the parts
 * by how many steps later the output is.
 *
 * @typedef {Object} Walk
 * @property {string} suffix of the names of its arrays
 * @property {boolean} parts whether a place is [case, part, step, unit]
 */

/** @type {Walk} */
export const WHOLE = { suffix: "", parts: false };
/** @type {Walk} */
export const PARTS = { suffix: "_back", parts: true };

/** The name of δ of a gate. @param {string} gate */
export const deltaName = (gate) => (gate ? `delta_${gate}` : "delta");

/** ∂L/∂state of a step that comes from what the step after it keeps of this state: of a cell by f, of
 * h of a GRU by u. @param {Unrolled} one @returns {["h" | "c", string] | null} */
export const keptBy = ({ layer }) =>
  layer.type === "lstm" ? ["c", "f"] : layer.type === "gru" ? ["h", "u"] : null;

/** The terms of ∂L/∂h that come through the gates of the step after.
 * @param {Unrolled} one @param {Walk} walk @param {Place} after the place there, of unit 0
 * @param {number} k the unit @returns {Expression[]} */
export const throughU = ({ sums, size, key }, { suffix }, after, k) =>
  sums
    .filter(({ U }) => U !== null)
    .map(({ gate, U }) =>
      sum(
        range(size).map((j) =>
          product(
            cell(key(deltaName(gate) + suffix), [...after.slice(0, -1), j]),
            cell(key("U"), [k, /** @type {number} */ (U) * size + j]),
          ),
        ),
        "j",
      ),
    );

/** The term of ∂L/∂state that comes from what is kept. @param {Unrolled} one @param {Walk} walk
 * @param {"h" | "c"} state @param {Place} after @returns {Expression[]} */
export function throughKept(one, { suffix, parts }, state, after) {
  const kept = keptBy(one);
  if (kept?.[0] !== state) return [];
  const [n, s, k] = parts ? [after[0], after[2], after[3]] : after;
  return [product(cell(one.key(`J_${state}${suffix}`), after), cell(one.key(kept[1]), [n, s, k]))];
}
