/** The operations of layers with states, step by step: recurrent, LSTM and GRU. */
import { derivativeOf, functionOf } from "../engine/activations.js";
import { putsOutLast } from "../engine/sequences.js";
import { cell, cellsOf, curve, product, sum } from "../expressions.js";
import { fedBy, range } from "./common.js";
import { ofParameter } from "./sequence_gradients.js";
import { stepsSentBack, wayBack } from "./through_time.js";
import {
  addedUp,
  afterState,
  atSteps,
  gateOf,
  hasStart,
  oneMinus,
  PADDING,
  readsBefore,
  stateBefore,
  tanhOf,
  unrolled,
} from "./unrolled.js";

/**
 * @typedef {import("../arrays.js").Place} Place
 * @typedef {import("../arrays.js").Region} Region
 * @typedef {import("../expressions.js").Expression} Expression
 * @typedef {import("../engine/sequences.js").GateSum} GateSum
 * @typedef {import("./operations.js").OperationRule} OperationRule
 * @typedef {import("./operations.js").Family} Family
 * @typedef {import("./unrolled.js").Unrolled} Unrolled
 */

/** The terms of z of a gate: Σ x W, Σ h U, b.
 * @param {Unrolled} one @param {GateSum} of @param {Place} at @returns {Expression[]} */
function termsOfSum(one, { W, U, bias, at: block }, [n, s, j]) {
  const { layer, key, size } = one;
  const found = [];
  if (W !== null) {
    const products = range(layer.input_shape[1]).map((i) =>
      product(cell(fedBy(layer), [n, s, i]), cell(key("W"), [i, W * size + j])),
    );
    found.push(sum(products, "i"));
  }
  const before = range(U === null ? 0 : size).flatMap((k) => stateBefore(one, "h", n, s, k) ?? []);
  if (U !== null && before.length) {
    const products = before.map((h, k) => product(h, cell(key("U"), [k, U * size + j])));
    found.push(sum(products, "k"));
  }
  if (one.has(bias)) found.push(cell(key(bias), [block * size + j]));
  return found;
}

/** The cells of z of a gate that a cell goes into.
 * @param {Unrolled} one @param {GateSum} of @param {string} from @param {Place} at
 * @returns {Region[]} */
function influencesOnSum(one, { W, U, bias, at: block }, from, at) {
  const { key, size } = one;
  const inBlock = (
    /** @type {number} */ column,
    /** @type {number | null} */ own,
    /** @type {number} */ first,
  ) =>
    Math.floor(column / size) === own
      ? atSteps(one, (n) => [first, one.length(n)], column % size)
      : [];
  if (from === fedBy(one.layer)) return at[1] < one.length(at[0]) ? [[at[0], at[1], null]] : [];
  if (from === key("W")) return inBlock(at[1], W, 0);
  if (from === key("U")) return inBlock(at[1], U, hasStart(one) ? 0 : 1);
  if (from === key(bias)) return inBlock(at[0], block, 0);
  return afterState(one, at, null);
}

const OF_EACH_SUM =
  "Each step adds up its own inputs times W and the state before it times U; W and U are the same at every step.";
const OF_INPUTS = "What the inputs of the step say to the candidate.";
const OF_STATE =
  "What the state before says to the candidate, kept apart so that the reset gate can close it off.";

/** z of a gate. @param {Unrolled} one @param {GateSum} of @returns {OperationRule} */
function gateSumOperation(one, of) {
  const { layer, key } = one;
  const { gate, W, U, bias } = of;
  const x = fedBy(layer);
  const biased = one.has(bias);
  const z = gate ? `z_${gate}` : "z";
  const parts = [W !== null && "x[:, s] @ W", U !== null && "h[:, s - 1] @ U", biased && bias];
  return {
    target: key(z),
    title: gate ? `The sum of gate ${gate}` : "The weighted sum of each step",
    says: W === null ? OF_STATE : U === null ? OF_INPUTS : OF_EACH_SUM,
    numpy: `${z} = ${parts.filter(Boolean).join(" + ")}`,
    reads: [
      ...(W === null ? [] : [x, key("W")]),
      ...(U === null ? [] : [...readsBefore(one, "h"), key("U")]),
      ...(biased ? [key(bias)] : []),
    ],
    expression: (at) => (at[1] < one.length(at[0]) ? addedUp(termsOfSum(one, of, at)) : PADDING),
    influences: (from, at) => influencesOnSum(one, of, from, at),
  };
}

/** An operation whose every cell reads the same place of other arrays, and perhaps the state of the
 * same unit before.
 * @param {Unrolled} one @param {string} target its key @param {string} title @param {string} says
 * @param {string} numpy @param {string[]} names of the arrays that it reads
 * @param {(place: Place) => Expression} expression @param {"h" | "c"} [state] */
function unitByUnit(one, target, title, says, numpy, names, expression, state) {
  const before = state ? readsBefore(one, state) : [];
  const here = names.map(one.key);
  // Before the first step there may be no state, and then nothing that says how much of it is kept.
  const readsThere = (/** @type {string} */ key, /** @type {Place} */ at) =>
    at[1] > 0 || [...cellsOf(expression(at))].some((cellRead) => cellRead.key === key);
  /** @type {OperationRule} */
  const made = {
    target,
    title,
    says,
    numpy,
    reads: [...new Set([...here, ...before])],
    expression: (at) => (at[1] < one.length(at[0]) ? expression(at) : PADDING),
    influences: (from, at) => [
      ...(here.includes(from) && at[1] < one.length(at[0]) && readsThere(from, at) ? [at] : []),
      ...(before.includes(from) ? afterState(one, at, "same") : []),
    ],
  };
  return made;
}

/** @param {Unrolled} one @returns {OperationRule[]} */
function recurrentForward(one) {
  const { activation } = one.layer;
  const phi = functionOf(activation ?? { type: "linear" });
  const slope = derivativeOf(activation ?? { type: "linear" }).f;
  const linear = !activation || activation.type === "linear";
  return [
    unitByUnit(
      one,
      one.state("h"),
      "The state after each step",
      "The activation of z; it is the step's output, and the next step reads it.",
      linear ? "h = z" : "h = phi(z)",
      ["z"],
      (at) => {
        const z = cell(one.key("z"), at);
        return linear ? z : curve(phi.symbol, phi.f, slope, z);
      },
    ),
  ];
}

const OPENS = {
  i: "The input gate opens between 0 and 1: how much of the candidate is written to the cell.",
  f: "The forget gate opens between 0 and 1: how much of the cell is kept.",
  o: "The output gate opens between 0 and 1: how much of the cell is put out.",
  r: "The reset gate opens between 0 and 1: how much of the state the candidate hears.",
  u: "The update gate opens between 0 and 1: how much of the state is kept.",
};

/** @param {Unrolled} one @param {(keyof typeof OPENS)[]} gates @returns {OperationRule[]} */
const opened = (one, gates) =>
  gates.map((gate) =>
    unitByUnit(
      one,
      one.key(gate),
      `Gate ${gate}`,
      OPENS[gate],
      `${gate} = sigmoid(z_${gate})`,
      [`z_${gate}`],
      (at) => gateOf(cell(one.key(`z_${gate}`), at)),
    ),
  );

/** @param {Unrolled} one @returns {OperationRule[]} */
function lstmForward(one) {
  const of = (/** @type {string} */ name, /** @type {Place} */ at) => cell(one.key(name), at);
  return [
    ...opened(one, ["i", "f"]),
    unitByUnit(
      one,
      one.key("g"),
      "The candidate",
      "What may be written to the cell, between −1 and 1.",
      "g = np.tanh(z_g)",
      ["z_g"],
      (at) => tanhOf(of("z_g", at)),
    ),
    ...opened(one, ["o"]),
    unitByUnit(
      one,
      one.key("c"),
      "The cell",
      "The cell keeps a part of what it had, by f, and takes up a part of what is new, by i.",
      "c = f * c_before + i * g",
      ["f", "i", "g"],
      (at) => {
        const before = stateBefore(one, "c", at[0], at[1], at[2]);
        const written = product(of("i", at), of("g", at));
        return before ? sum([product(of("f", at), before), written]) : written;
      },
      "c",
    ),
    unitByUnit(
      one,
      one.state("h"),
      "The state after each step",
      "The part of the cell that is put out; the gates of the next step read it.",
      "h = o * np.tanh(c)",
      ["o", "c"],
      (at) => product(of("o", at), tanhOf(of("c", at))),
    ),
  ];
}

/** @param {Unrolled} one @returns {OperationRule[]} */
function gruForward(one) {
  const of = (/** @type {string} */ name, /** @type {Place} */ at) => cell(one.key(name), at);
  return [
    ...opened(one, ["r", "u"]),
    unitByUnit(
      one,
      one.key("g"),
      "The candidate",
      "What the new state could be; r says how much of the state before it hears.",
      "g = np.tanh(z_g + r * z_m)",
      ["z_g", "r", "z_m"],
      (at) => tanhOf(sum([of("z_g", at), product(of("r", at), of("z_m", at))])),
    ),
    unitByUnit(
      one,
      one.state("h"),
      "The state after each step",
      "The new state mixes the candidate with the state before, by u.",
      "h = (1 - u) * g + u * h_before",
      ["u", "g"],
      (at) => {
        const before = stateBefore(one, "h", at[0], at[1], at[2]);
        const fresh = product(oneMinus(of("u", at)), of("g", at));
        return before ? sum([fresh, product(of("u", at), before)]) : fresh;
      },
      "h",
    ),
  ];
}

/** The last state alone as the layer's output. @param {Unrolled} one @returns {OperationRule[]} */
function lastState(one) {
  if (!putsOutLast(one.layer)) return [];
  return [
    {
      target: one.key("out"),
      title: "The last state is put out",
      says: "The layers after this one hear of the state after the last step alone.",
      numpy: "a = h[:, -1]",
      reads: [one.key("h")],
      expression: ([n, j]) => cell(one.key("h"), [n, one.length(n) - 1, j]),
      influences: (_, [n, s, j]) => (s === one.length(n) - 1 ? [[n, j]] : []),
    },
  ];
}

/** @param {(one: Unrolled) => OperationRule[]} inside @returns {Family} */
const family = (inside) => ({
  forward: (scene, layer) => {
    const one = unrolled(scene, layer);
    return [...one.sums.map((of) => gateSumOperation(one, of)), ...inside(one), ...lastState(one)];
  },
  backward: (scene, layer) => {
    const one = unrolled(scene, layer);
    return [...wayBack(one), stepsSentBack(one)];
  },
  gradients: (scene, layer) => {
    const one = unrolled(scene, layer);
    return layer.parameters
      .filter(({ trained }) => trained)
      .map(({ name }) => ofParameter(one, name));
  },
});

/** @type {Record<string, Family>} */
export const WITH_STATES = {
  recurrent: family(recurrentForward),
  lstm: family(lstmForward),
  gru: family(gruForward),
};
