/** The gradients of the parameters of a layer with states: sums over the steps and the cases. */
import { cell, product, sum } from "../expressions.js";
import { countOfCases } from "../scene.js";
import { fedBy, range } from "./common.js";
import {
  addedUp,
  deltaName,
  hasStart,
  keptBy,
  readsBefore,
  stateBefore,
  throughKept,
  throughU,
  WHOLE,
} from "./unrolled.js";

/**
 * @typedef {import("../expressions.js").Expression} Expression
 * @typedef {import("../engine/sequences.js").GateSum} GateSum
 * @typedef {import("./operations.js").OperationRule} OperationRule
 * @typedef {import("./unrolled.js").Unrolled} Unrolled
 */

/** Σ over the cases and Σ over their real steps from a first one on, with what stands before.
 * @param {Unrolled} one @param {(n: number, s: number) => Expression | null} term
 * @param {boolean} [apart] whether the first step stands for itself: its state is the start
 * @returns {Expression} */
const overSteps = (one, term, apart = false) =>
  sum(
    range(countOfCases(one.scene)).map((n) => {
      const terms = range(one.length(n)).flatMap((s) => term(n, s) ?? []);
      return apart && terms.length > 1
        ? sum([terms[0], sum(terms.slice(1), "s")])
        : sum(terms, "s");
    }),
    "n",
  );

/** The gradient of W or U: Σ over cases and steps of what it is multiplied with times δ.
 * @param {Unrolled} one @param {"W" | "U"} name @returns {OperationRule} */
function ofMatrix(one, name) {
  const { layer, key, sums, size } = one;
  const gateAt = (/** @type {number} */ column) => {
    const found = sums.find((of) => of[name] === Math.floor(column / size));
    return key(deltaName(/** @type {GateSum} */ (found).gate));
  };
  const left = (/** @type {number} */ n, /** @type {number} */ s, /** @type {number} */ i) =>
    name === "W" ? cell(fedBy(layer), [n, s, i]) : stateBefore(one, "h", n, s, i);
  const from = name === "W" ? [fedBy(layer)] : readsBefore(one, "h");
  const deltas = sums.filter((of) => of[name] !== null).map(({ gate }) => key(deltaName(gate)));
  const isW = name === "W";
  return {
    target: key(`${name}_grad`),
    title: `The gradient of ${name}`,
    says: `${name} is the same at every step, so that every step adds its part: ${isW ? "its input" : "the state before it"} times its δ. The cases add up too.`,
    numpy: isW
      ? "W_grad = sum(x[:, s].T @ delta[:, s] for s in range(steps))"
      : "U_grad = sum(h[:, s - 1].T @ delta[:, s] for s in range(steps))",
    reads: [...from, ...deltas],
    expression: ([i, column]) =>
      overSteps(
        one,
        (n, s) => {
          const factor = left(n, s, i);
          return factor && product(factor, cell(gateAt(column), [n, s, column % size]));
        },
        !isW && hasStart(one),
      ),
    influences: (other, at) => {
      const isStart = at.length === 1;
      if (from.includes(other))
        return isStart || at[1] + (isW ? 0 : 1) < one.length(at[0])
          ? [[at[at.length - 1], null]]
          : [];
      const block = sums.find(({ gate }) => key(deltaName(gate)) === other)?.[name] ?? null;
      const isUsed = isW || at[1] > 0 || hasStart(one);
      return block === null || !isUsed || at[1] >= one.length(at[0])
        ? []
        : [[null, block * size + at[2]]];
    },
  };
}

/** The gradient of the biases: Σ over cases and steps of δ.
 * @param {Unrolled} one @param {"b" | "b_hn"} name @returns {OperationRule} */
function ofBias(one, name) {
  const { key, sums, size } = one;
  const own = sums.filter(({ bias }) => bias === name);
  const gateAt = (/** @type {number} */ j) =>
    key(deltaName(own[own.length > 1 ? Math.floor(j / size) : 0].gate));
  return {
    target: key(`${name}_grad`),
    title: name === "b" ? "The gradient of the biases" : "The gradient of the state's bias",
    says: "A bias is added at every step, so that its gradient is the sum of δ over the steps and the cases.",
    numpy: `${name}_grad = delta.sum(axis=(0, 1))`,
    reads: [...own.map(({ gate }) => key(deltaName(gate)))],
    expression: ([j]) => overSteps(one, (n, s) => cell(gateAt(j), [n, s, j % size])),
    influences: (other, at) => {
      const block = own.findIndex(({ gate }) => key(deltaName(gate)) === other);
      return block < 0 || at[1] >= one.length(at[0]) ? [] : [[block * size + at[2]]];
    },
  };
}

/** The gradient of a learnt start. @param {Unrolled} one @param {"h" | "c"} state
 * @returns {OperationRule} */
function ofStart(one, state) {
  const { key, sums } = one;
  const name = `${state}0`;
  const kept = keptBy(one);
  const keeps = kept?.[0] === state ? [`J_${state}`, kept[1]] : [];
  const deltas =
    state === "h" ? sums.filter(({ U }) => U !== null).map(({ gate }) => deltaName(gate)) : [];
  return {
    target: key(`${name}_grad`),
    title: `The gradient of the start of ${state}`,
    says: "Every case begins with the same start; it moves the loss through the first step.",
    numpy:
      state === "h"
        ? "h0_grad = (delta[:, 0] @ U.T).sum(axis=0)"
        : "c0_grad = (J_c[:, 0] * f[:, 0]).sum(axis=0)",
    reads: [...deltas, ...keeps, ...(state === "h" ? ["U"] : [])].map(key),
    expression: ([k]) =>
      sum(
        range(countOfCases(one.scene)).map((n) =>
          addedUp([
            ...(state === "h" ? throughU(one, WHOLE, [n, 0, k], k) : []),
            ...throughKept(one, WHOLE, state, [n, 0, k]),
          ]),
        ),
        "n",
      ),
    influences: (other, at) => {
      if (other === key("U")) return [[at[0]]];
      if (at[1] !== 0) return [];
      return keeps.map(key).includes(other) ? [[at[2]]] : [[null]];
    },
  };
}

/** @param {Unrolled} one @param {string} name @returns {OperationRule} */
export function ofParameter(one, name) {
  if (name === "W" || name === "U") return ofMatrix(one, name);
  if (name === "b" || name === "b_hn") return ofBias(one, name);
  return ofStart(one, name === "h0" ? "h" : "c");
}
