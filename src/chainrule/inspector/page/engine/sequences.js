/**
 * Layers with states in numbers: recurrent, LSTM and GRU, step by step, and back through time.
 *
 * All arrays are (cases, steps, size). Padding is NaN in values and 0 in gradients.
 */
import { ndarray } from "../arrays.js";
import { derivativeOf, functionOf } from "./activations.js";

/**
 * @typedef {import("../arrays.js").NdArray} NdArray
 * @typedef {import("../scene.js").SceneLayer} SceneLayer
 * @typedef {import("./at.js").AtLayer} AtLayer
 *
 * @typedef {Object} GateSum  the sum z of one gate: which columns of W and U, and which bias, it has
 * @property {string} gate "" of a recurrent layer
 * @property {number | null} W the block of W's columns; null where no input is added
 * @property {number | null} U the block of U's columns; null where no state is added
 * @property {string} bias b or b_hn
 * @property {number} at the block of the bias
 */

/** @param {string} gate @param {number | null} W @param {number | null} U @param {string} [bias]
 * @returns {GateSum} */
const gateSum = (gate, W, U, bias = "b") => ({
  gate,
  W,
  U,
  bias,
  at: bias === "b" ? (W ?? 0) : 0,
});

/** The sums of each type of layer with states, in the order of W's columns.
 * @type {Record<string, GateSum[]>} */
export const GATE_SUMS = {
  recurrent: [gateSum("", 0, 0)],
  lstm: ["i", "f", "g", "o"].map((gate, block) => gateSum(gate, block, block)),
  gru: [
    gateSum("r", 0, 0),
    gateSum("u", 1, 1),
    gateSum("g", 2, null),
    gateSum("m", null, 2, "b_hn"),
  ],
};

/** σ, which opens a gate. @param {number} z @returns {number} */
export const sigma = (z) => 1 / (1 + Math.exp(-z));

/** Whether only the state after the last step is put out. @param {SceneLayer} layer */
export const putsOutLast = (layer) => layer.output_shape.length === 1;

/** How many steps an output reaches back, if the gradient is truncated; else null.
 * @param {SceneLayer} layer @returns {number | null} */
export function reachOf(layer) {
  const { truncate } = layer.options;
  return truncate && truncate < layer.input_shape[0] ? truncate : null;
}

/** The start of a state where it is given and not all 0; null where it is learnt, or 0.
 * @param {SceneLayer} layer @param {"h" | "c"} state @returns {number[] | null} */
export function givenStart(layer, state) {
  const { start } = layer.options;
  if (!Array.isArray(start) || layer.parameters.some(({ name }) => name === `${state}0`))
    return null;
  const size = layer.z_shape[1] / (layer.type === "recurrent" ? 1 : 5);
  const own = state === "h" ? start.slice(0, size) : start.slice(size);
  return own.some((/** @type {number} */ one) => one !== 0) ? own : null;
}

/** Everything that both passes need to know of a layer and its cases.
 * @param {AtLayer} at @param {NdArray} x */
function batchOf(at, x) {
  const [cases, steps, features] = x.shape;
  const { layer } = at;
  const size = at.array("U").shape[0];
  const lengths = Array.from({ length: cases }, (_, n) => {
    let length = steps;
    const isPadding = (/** @type {number} */ s) =>
      x.data
        .subarray((n * steps + s) * features, (n * steps + s + 1) * features)
        .every(Number.isNaN);
    while (length > 0 && isPadding(length - 1)) length--;
    return length;
  });
  return { cases, steps, features, size, lengths, sums: GATE_SUMS[layer.type], type: layer.type };
}

/** @typedef {ReturnType<typeof batchOf>} Batch */

/** The start of a state, one number a unit.
 * @param {AtLayer} at @param {"h" | "c"} state @param {number} size @returns {Float64Array | number[]} */
function startOf(at, state, size) {
  if (at.layer.parameters.some(({ name }) => name === `${state}0`))
    return at.array(`${state}0`).data;
  return givenStart(at.layer, state) ?? new Float64Array(size);
}

/** h of a case before a step. @param {AtLayer} at @param {number} n @param {number} s
 * @returns {ArrayLike<number>} */
export function stateBeforeStep(at, n, s) {
  const size = at.array("U").shape[0];
  if (s === 0) return startOf(at, "h", size);
  const h = at.array(putsOutLast(at.layer) ? "h" : "out");
  const start = (n * h.shape[1] + s - 1) * size;
  return h.data.subarray(start, start + size);
}

/** Add row · M[:, columns of a block] to a place of `to`.
 * @param {Float64Array} to @param {number} start @param {ArrayLike<number>} row @param {number} first
 * @param {NdArray} M @param {number} block @param {number} size */
function addProduct(to, start, row, first, M, block, size) {
  const [rows, width] = M.shape;
  for (let i = 0; i < rows; i++) {
    const factor = row[first + i];
    const at = i * width + block * size;
    for (let j = 0; j < size; j++) to[start + j] += factor * M.data[at + j];
  }
}

/** Add row · M[:, columns of a block]ᵀ to a place of `to`.
 * @param {Float64Array} to @param {number} start @param {Float64Array} row @param {number} first
 * @param {NdArray} M @param {number} block @param {number} size */
function addProductBack(to, start, row, first, M, block, size) {
  const [rows, width] = M.shape;
  for (let i = 0; i < rows; i++) {
    const at = i * width + block * size;
    let total = 0;
    for (let j = 0; j < size; j++) total += row[first + j] * M.data[at + j];
    to[start + i] += total;
  }
}

/** The forward pass of a layer with states.
 * @param {AtLayer} at @param {NdArray} x @returns {NdArray} */
export function statesForward(at, x) {
  const batch = batchOf(at, x);
  const { cases, steps, features, size, lengths, sums } = batch;
  const made = () =>
    ndarray([cases, steps, size], new Float64Array(cases * steps * size).fill(NaN));
  const z = Object.fromEntries(sums.map(({ gate }) => [gate, made()]));
  /** @type {Record<string, NdArray>} */
  const inside = Object.fromEntries(LETTERS_INSIDE[batch.type].map((letter) => [letter, made()]));
  const step = stepOf(at, z, inside);
  const [h0, c0] = [startOf(at, "h", size), startOf(at, "c", size)];
  const U = at.array("U");
  for (let n = 0; n < cases; n++)
    for (let s = 0; s < lengths[n]; s++) {
      const here = (n * steps + s) * size;
      for (const one of sums) {
        const to = z[one.gate].data.fill(0, here, here + size);
        const bias = at.layer.parameters.some(({ name }) => name === one.bias)
          ? at.array(one.bias).data
          : null;
        if (bias) for (let j = 0; j < size; j++) to[here + j] += bias[one.at * size + j];
        if (one.W !== null)
          addProduct(to, here, x.data, (n * steps + s) * features, at.array("W"), one.W, size);
        if (one.U !== null)
          addProduct(to, here, s ? inside.h.data : h0, s ? here - size : 0, U, one.U, size);
      }
      for (let j = 0; j < size; j++) {
        const before = (/** @type {NdArray} */ state, /** @type {ArrayLike<number>} */ start) =>
          s ? state.data[here - size + j] : start[j];
        step(here + j, before(inside.h, h0), inside.c ? before(inside.c, c0) : 0);
      }
    }
  for (const { gate } of sums) at.keep(gate ? `z_${gate}` : "z", z[gate]);
  for (const [letter, array] of Object.entries(inside)) if (letter !== "h") at.keep(letter, array);
  if (!putsOutLast(at.layer)) return inside.h;
  at.keep("h", inside.h);
  return lastStates(batch, inside.h.data);
}

/** @param {Batch} batch @param {Float64Array} h of all steps @returns {NdArray} */
function lastStates({ cases, steps, size, lengths }, h) {
  const out = ndarray([cases, size]);
  for (let n = 0; n < cases; n++) {
    const last = (n * steps + lengths[n] - 1) * size;
    out.data.set(h.subarray(last, last + size), n * size);
  }
  return out;
}

/** What is kept inside, h among it. @type {Record<string, string[]>} */
const LETTERS_INSIDE = {
  recurrent: ["h"],
  lstm: ["i", "f", "g", "o", "c", "h"],
  gru: ["r", "u", "g", "h"],
};

/** The function of one unit at one step: from its z to its gates and states.
 * @param {AtLayer} at @param {Record<string, NdArray>} z @param {Record<string, NdArray>} inside
 * @returns {(at: number, h: number, c: number) => void} given a flat index and the states before */
function stepOf({ layer }, z, inside) {
  const to = (/** @type {string} */ letter) => inside[letter].data;
  const of = (/** @type {string} */ gate) => z[gate].data;
  if (layer.type === "lstm")
    return (k, _, c) => {
      for (const gate of ["i", "f", "o"]) to(gate)[k] = sigma(of(gate)[k]);
      to("g")[k] = Math.tanh(of("g")[k]);
      to("c")[k] = to("f")[k] * c + to("i")[k] * to("g")[k];
      to("h")[k] = to("o")[k] * Math.tanh(to("c")[k]);
    };
  if (layer.type === "gru")
    return (k, h) => {
      for (const gate of ["r", "u"]) to(gate)[k] = sigma(of(gate)[k]);
      to("g")[k] = Math.tanh(of("g")[k] + to("r")[k] * of("m")[k]);
      to("h")[k] = sigma(-of("u")[k]) * to("g")[k] + to("u")[k] * h;
    };
  const { f } = functionOf(layer.activation ?? { type: "linear" });
  return (k) => {
    to("h")[k] = f(of("")[k]);
  };
}

/**
 * One walk back through time, from the last step to the first.
 *
 * @typedef {Object} BackWalk
 * @property {Record<string, Float64Array>} J by state: ∂L/∂state of each step
 * @property {Record<string, Float64Array>} delta by gate: δ of each step
 */

/** @param {Batch} batch @returns {BackWalk} */
function emptyWalk({ cases, steps, size, sums, type }) {
  const made = () => new Float64Array(cases * steps * size);
  return {
    J: Object.fromEntries((type === "lstm" ? ["h", "c"] : ["h"]).map((state) => [state, made()])),
    delta: Object.fromEntries(sums.map(({ gate }) => [gate, made()])),
  };
}

/** ∂L/∂state and δ of one step, given those of the step after it in `later`.
 * @param {AtLayer} at @param {Batch} batch @param {BackRules} rules @param {BackWalk} walk
 * @param {BackWalk} later the same walk, or that of one part less @param {number} n @param {number} s */
function stepBack(at, batch, rules, walk, later, n, s) {
  const { size, sums, steps, lengths, type } = batch;
  const here = (n * steps + s) * size;
  if (s + 1 < lengths[n]) {
    for (const one of sums)
      if (one.U !== null)
        addProductBack(walk.J.h, here, later.delta[one.gate], here + size, rules.U, one.U, size);
    const [state, gate] = type === "lstm" ? ["c", "f"] : ["h", "u"];
    if (type !== "recurrent")
      for (let j = 0; j < size; j++)
        walk.J[state][here + j] +=
          rules.kept.data[j] *
          later.J[state][here + size + j] *
          at.array(gate).data[here + size + j];
  }
  for (let j = 0; j < size; j++) rules.unit(here + j, s ? here - size + j : -1, j, walk);
}

/**
 * @typedef {Object} BackRules  what the way back uses, which a bug may have replaced
 * @property {NdArray} U
 * @property {NdArray} kept
 * @property {(k: number, before: number, j: number, walk: BackWalk) => void} unit δ of one unit at
 *   the flat index k, from ∂L/∂h; `before` is the index of the step before, −1 at the first
 */

/** @param {AtLayer} at @param {Batch} batch @param {Float64Array} h the states of all steps
 * @returns {BackRules} */
function rulesOf(at, batch, h) {
  const U = at.rightOrWrong("U_back", at.array("U"));
  const kept = ndarray([batch.size], new Float64Array(batch.size).fill(1));
  const { layer } = at;
  if (layer.type === "recurrent") {
    const z = at.array("z");
    const { f } = derivativeOf(layer.activation ?? { type: "linear" });
    const slopes = at.rightOrWrong("slopes", ndarray(z.shape, z.data.map(f))).data;
    const unit = (/** @type {number} */ k, _b = 0, _j = 0, /** @type {BackWalk} */ walk) => {
      walk.delta[""][k] = walk.J.h[k] * slopes[k];
    };
    return { U, kept, unit };
  }
  const of = (/** @type {string} */ name) => at.array(name).data;
  const start = startOf(at, layer.type === "lstm" ? "c" : "h", batch.size);
  const unit = layer.type === "lstm" ? lstmBack(of, start) : gruBack(of, start, h);
  return { U, kept: at.rightOrWrong("kept_back", kept), unit };
}

/** @param {(name: string) => Float64Array} of @param {ArrayLike<number>} c0
 * @returns {BackRules["unit"]} */
function lstmBack(of, c0) {
  const [i, f, g, o, c] = ["i", "f", "g", "o", "c"].map(of);
  return (k, before, j, { J, delta }) => {
    const tanh = Math.tanh(c[k]);
    J.c[k] += J.h[k] * o[k] * (1 / Math.cosh(c[k]) ** 2);
    delta.i[k] = J.c[k] * g[k] * i[k] * (1 - i[k]);
    delta.f[k] = J.c[k] * (before < 0 ? c0[j] : c[before]) * f[k] * (1 - f[k]);
    delta.g[k] = J.c[k] * i[k] * (1 - g[k] * g[k]);
    delta.o[k] = J.h[k] * tanh * o[k] * (1 - o[k]);
  };
}

/** @param {(name: string) => Float64Array} of @param {ArrayLike<number>} h0 @param {Float64Array} h
 * @returns {BackRules["unit"]} */
function gruBack(of, h0, h) {
  const [r, u, g, m] = ["r", "u", "g", "z_m"].map(of);
  return (k, before, j, { J, delta }) => {
    const state = before < 0 ? h0[j] : h[before];
    delta.u[k] = J.h[k] * (state - g[k]) * u[k] * (1 - u[k]);
    delta.g[k] = J.h[k] * (1 - u[k]) * (1 - g[k] * g[k]);
    delta.m[k] = delta.g[k] * r[k];
    delta.r[k] = delta.g[k] * m[k] * r[k] * (1 - r[k]);
  };
}

/** ∂L/∂h of each step by its own output, 0 at padding.
 * @param {AtLayer} at @param {Batch} batch @param {NdArray} J @returns {Float64Array} */
function ownOutputs(at, { cases, steps, size, lengths }, J) {
  const own = new Float64Array(cases * steps * size);
  for (let n = 0; n < cases; n++) {
    const start = n * steps * size;
    const end = lengths[n] * size;
    if (putsOutLast(at.layer))
      own.set(J.data.subarray(n * size, (n + 1) * size), start + end - size);
    else own.set(J.data.subarray(start, start + end), start);
  }
  return own;
}

/** The walk without truncation, or from the last output alone.
 * @param {AtLayer} at @param {Batch} batch @param {BackRules} rules @param {Float64Array} own */
function wholeWalk(at, batch, rules, own) {
  const walk = emptyWalk(batch);
  walk.J.h.set(own);
  const reach = reachOf(at.layer) ?? batch.steps;
  for (let n = 0; n < batch.cases; n++)
    for (let s = batch.lengths[n] - 1; s >= Math.max(0, batch.lengths[n] - reach); s--)
      stepBack(at, batch, rules, walk, walk, n, s);
  return walk;
}

/** The parts of a truncated gradient of all outputs, by how many steps later the output is.
 * @param {AtLayer} at @param {Batch} batch @param {BackRules} rules @param {Float64Array} own
 * @param {number} reach @returns {BackWalk[]} */
function partsOfWalk(at, batch, rules, own, reach) {
  const parts = Array.from({ length: reach }, () => emptyWalk(batch));
  parts[0].J.h.set(own);
  const nothing = emptyWalk(batch);
  parts.forEach((walk, j) => {
    for (let n = 0; n < batch.cases; n++)
      for (let s = 0; s < batch.lengths[n] - j; s++)
        stepBack(at, batch, rules, walk, j ? parts[j - 1] : nothing, n, s);
  });
  return parts;
}

/** The sum of parts, and each part as an array (cases, parts, steps, size) kept under NAME_back.
 * @param {AtLayer} at @param {Batch} batch @param {BackWalk[]} parts @returns {BackWalk} */
function sumOfParts(at, batch, parts) {
  const walk = emptyWalk(batch);
  const { cases, steps, size } = batch;
  for (const kind of /** @type {("J" | "delta")[]} */ (["J", "delta"]))
    for (const one of Object.keys(walk[kind])) {
      const back = ndarray([cases, parts.length, steps, size]);
      parts.forEach((part, j) => {
        part[kind][one].forEach((value, k) => {
          walk[kind][one][k] += value;
          const n = Math.floor(k / (steps * size));
          back.data[(n * (parts.length - 1) + j) * steps * size + k] = value;
        });
      });
      at.keep(`${one ? `${kind}_${one}` : kind}_back`, back);
    }
  return walk;
}

/** The backward pass of a layer with states.
 * @param {AtLayer} at @param {NdArray} J @param {NdArray} x its input @param {NdArray} out
 * @returns {NdArray} ∂L/∂input */
export function statesBackward(at, J, x, out) {
  const batch = batchOf(at, x);
  const { cases, steps, size, sums, features } = batch;
  const h = (putsOutLast(at.layer) ? at.array("h") : out).data;
  const rules = rulesOf(at, batch, h);
  const own = ownOutputs(at, batch, J);
  const reach = putsOutLast(at.layer) ? null : reachOf(at.layer);
  const walk = reach
    ? sumOfParts(at, batch, partsOfWalk(at, batch, rules, own, reach))
    : wholeWalk(at, batch, rules, own);
  const shape = [cases, steps, size];
  for (const [state, one] of Object.entries(walk.J)) at.keep(`J_${state}`, ndarray(shape, one));
  for (const { gate } of sums)
    at.keep(gate ? `delta_${gate}` : "delta", ndarray(shape, walk.delta[gate]));
  const sent = ndarray([cases, steps, features]);
  const W = at.array("W");
  for (const one of sums) {
    const delta = walk.delta[one.gate];
    for (let row = 0; one.W !== null && row < cases * steps; row++)
      addProductBack(sent.data, row * features, delta, row * size, W, one.W, size);
  }
  keepGradients(at, batch, walk, x, h);
  return sent;
}

/** The gradients of the parameters: sums over the cases and the real steps.
 * @param {AtLayer} at @param {Batch} batch @param {BackWalk} walk @param {NdArray} x
 * @param {Float64Array} h */
function keepGradients(at, batch, walk, x, h) {
  const { cases, steps, size, lengths, features, sums } = batch;
  const has = (/** @type {string} */ name) => at.layer.parameters.some((one) => one.name === name);
  const made = (/** @type {string} */ name) => ndarray(at.array(name).shape);
  /** @type {Record<string, NdArray>} */
  const found = {};
  for (const { name } of at.layer.parameters) found[name] = made(name);
  const h0 = startOf(at, "h", size);
  for (let n = 0; n < cases; n++)
    for (let s = 0; s < lengths[n]; s++)
      for (const one of sums) {
        const row = n * steps + s;
        const delta = walk.delta[one.gate].subarray(row * size, (row + 1) * size);
        const state = s ? h.subarray((row - 1) * size, row * size) : h0;
        if (one.W !== null)
          addOuter(found.W, x.data.subarray(row * features, (row + 1) * features), delta, one.W);
        if (one.U !== null) addOuter(found.U, state, delta, one.U);
        if (has(one.bias))
          for (let j = 0; j < size; j++) found[one.bias].data[one.at * size + j] += delta[j];
        if (s === 0 && one.U !== null && has("h0"))
          addProductBack(found.h0.data, 0, delta, 0, at.array("U"), one.U, size);
      }
  startGradients(at, batch, walk, found);
  for (const [name, gradient] of Object.entries(found)) at.keep(`${name}_grad`, gradient);
}

/** What the first step keeps of the start: c of an LSTM by f, h of a GRU by u.
 * @param {AtLayer} at @param {Batch} batch @param {BackWalk} walk
 * @param {Record<string, NdArray>} found */
function startGradients(at, { cases, steps, size, type }, walk, found) {
  if (!found.h0 || type === "recurrent") return;
  const [state, gate] = type === "lstm" ? ["c", "f"] : ["h", "u"];
  for (let n = 0; n < cases; n++)
    for (let j = 0; j < size; j++) {
      const k = n * steps * size + j;
      found[`${state}0`].data[j] += walk.J[state][k] * at.array(gate).data[k];
    }
}

/** Add the products of two rows to the columns of a block of a gradient.
 * @param {NdArray} to @param {ArrayLike<number>} left @param {Float64Array} right
 * @param {number} block */
function addOuter(to, left, right, block) {
  const [rows, width] = to.shape;
  for (let i = 0; i < rows; i++)
    for (let j = 0; j < right.length; j++)
      to.data[i * width + block * right.length + j] += left[i] * right[j];
}
