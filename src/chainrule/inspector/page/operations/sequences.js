/** The operations of layers with states, step by step: recurrent, LSTM and GRU. */
import { derivativeOf, functionOf } from "../engine/activations.js";
import { putsOutLast } from "../engine/sequences.js";
import { cell, curve, product, sum } from "../expressions.js";
import { fedBy, range } from "./common.js";
import { ofParameter } from "./sequence_gradients.js";
import { stepsSentBack, wayBack } from "./through_time.js";
import {
  addedUp,
  afterState,
  gateOf,
  oneMinus,
  PADDING,
  readsBefore,
  stateBefore,
  tanhOf,
  unrolled,
} from "./unrolled.js";

/**
 * @typedef {import("../arrays.js").Place} Place
 * @typedef {import("../expressions.js").Expression} Expression
 * @typedef {import("../engine/sequences.js").GateSum} GateSum
 * @typedef {import("./operations.js").Operation} Operation
 * @typedef {import("./operations.js").Family} Family
 * @typedef {import("./unrolled.js").Unrolled} Unrolled
 */

/** z of a gate. @param {Unrolled} one @param {GateSum} of @returns {Operation} */
function gateSumOperation(one, { gate, W, U, bias, at: block }) {
  const { layer, key, size } = one;
  const x = fedBy(layer);
  const biased = one.has(bias);
  const terms = (/** @type {number} */ n, /** @type {number} */ s, /** @type {number} */ j) => {
    const found = [];
    if (W !== null) {
      const products = range(layer.input_shape[1]).map((i) =>
        product(cell(x, [n, s, i]), cell(key("W"), [i, W * size + j])),
      );
      found.push(sum(products, "i"));
    }
    if (U !== null && stateBefore(one, "h", n, s, 0)) {
      const products = range(size).map((k) =>
        product(
          /** @type {Expression} */ (stateBefore(one, "h", n, s, k)),
          cell(key("U"), [k, U * size + j]),
        ),
      );
      found.push(sum(products, "k"));
    }
    if (biased) found.push(cell(key(bias), [block * size + j]));
    return addedUp(found);
  };
  const inBlock = (/** @type {number} */ column, /** @type {number | null} */ b) =>
    b !== null && Math.floor(column / size) === b ? [[null, null, column % size]] : [];
  const z = gate ? `z_${gate}` : "z";
  return {
    target: key(z),
    layer: layer.name,
    phase: "forward",
    title: gate ? `The sum of gate ${gate}` : "The weighted sum of each step",
    says:
      W === null
        ? "What the state before says to the candidate, kept apart so that the reset gate can close it off."
        : U === null
          ? "What the inputs of the step say to the candidate."
          : "Each step adds up its own inputs times W and the state before it times U; W and U are the same at every step.",
    numpy: `${z} = ${[W !== null && "x[:, s] @ W", U !== null && "h[:, s - 1] @ U", biased && bias].filter(Boolean).join(" + ")}`,
    reads: [
      ...(W === null ? [] : [x, key("W")]),
      ...(U === null ? [] : [...readsBefore(one, "h"), key("U")]),
      ...(biased ? [key(bias)] : []),
    ],
    expression: ([n, s, j]) => (s < one.length(n) ? terms(n, s, j) : PADDING),
    influences: (from, at) => {
      if (from === x) return [[at[0], at[1], null]];
      if (from === key("W")) return inBlock(at[1], W);
      if (from === key("U")) return inBlock(at[1], U);
      if (from === key(bias)) return inBlock(at[0], block);
      return afterState(one, at, null);
    },
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
  /** @type {Operation} */
  const made = {
    target,
    layer: one.layer.name,
    phase: "forward",
    title,
    says,
    numpy,
    reads: [...new Set([...here, ...before])],
    expression: (at) => (at[1] < one.length(at[0]) ? expression(at) : PADDING),
    influences: (from, at) => [
      ...(here.includes(from) && at.length > 1 ? [at] : []),
      ...(before.includes(from) ? afterState(one, at, "same") : []),
    ],
  };
  return made;
}

/** @param {Unrolled} one @returns {Operation[]} */
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

/** @param {Unrolled} one @param {(keyof typeof OPENS)[]} gates @returns {Operation[]} */
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

/** @param {Unrolled} one @returns {Operation[]} */
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

/** @param {Unrolled} one @returns {Operation[]} */
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

/** The last state alone as the layer's output. @param {Unrolled} one @returns {Operation[]} */
function lastState(one) {
  if (!putsOutLast(one.layer)) return [];
  return [
    {
      target: one.key("out"),
      layer: one.layer.name,
      phase: "forward",
      title: "The last state is put out",
      says: "The layers after this one hear of the state after the last step alone.",
      numpy: "a = h[:, -1]",
      reads: [one.key("h")],
      expression: ([n, j]) => cell(one.key("h"), [n, one.length(n) - 1, j]),
      influences: (_, [n, s, j]) => (s === one.length(n) - 1 ? [[n, j]] : []),
    },
  ];
}

/** @param {(one: Unrolled) => Operation[]} inside @returns {Family} */
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
