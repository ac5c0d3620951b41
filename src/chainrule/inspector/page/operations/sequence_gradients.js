/** The gradients of the parameters of a layer with states: sums over the steps and the cases. */
import { cell, product, sum } from "../expressions.js";
import { fedBy, penaltyReads, range, withPenalty } from "./common.js";
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
 * @typedef {import("./operations.js").Operation} Operation
 * @typedef {import("./unrolled.js").Unrolled} Unrolled
 */

/** What every gradient of a parameter has in common.
 * @param {Unrolled} one @param {string} name @param {string} title */
const gradientOf = ({ layer, key }, name, title) => ({
  target: key(`${name}_grad`),
  layer: layer.name,
  phase: /** @type {const} */ ("gradients"),
  title,
});

/** Σ over the cases and Σ over their real steps from a first one on, with what stands before.
 * @param {Unrolled} one @param {(n: number, s: number) => Expression | null} term
 * @param {boolean} [apart] whether the first step stands for itself: its state is the start
 * @returns {Expression} */
const overSteps = (one, term, apart = false) =>
  sum(
    range(casesOf(one)).map((n) => {
      const terms = range(one.length(n)).flatMap((s) => term(n, s) ?? []);
      return apart && terms.length > 1
        ? sum([terms[0], sum(terms.slice(1), "s")])
        : sum(terms, "s");
    }),
    "n",
  );

/** @param {Unrolled} one */
const casesOf = ({ scene, key }) =>
  scene.arrays.find((info) => info.key === key("out"))?.shape[0] ?? 0;

/** The gradient of W or U: Σ over cases and steps of what it is multiplied with times δ.
 * @param {Unrolled} one @param {"W" | "U"} name @returns {Operation} */
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
    ...gradientOf(one, name, `The gradient of ${name}`),
    says: `${name} is the same at every step, so that every step adds its part: ${isW ? "its input" : "the state before it"} times its δ. The cases add up too.`,
    numpy: isW
      ? "W_grad = sum(x[:, s].T @ delta[:, s] for s in range(steps))"
      : "U_grad = sum(h[:, s - 1].T @ delta[:, s] for s in range(steps))",
    reads: [...from, ...deltas, ...penaltyReads(layer, name)],
    expression: ([i, column]) =>
      withPenalty(
        layer,
        name,
        [i, column],
        overSteps(
          one,
          (n, s) => {
            const factor = left(n, s, i);
            return factor && product(factor, cell(gateAt(column), [n, s, column % size]));
          },
          !isW && hasStart(one),
        ),
      ),
    influences: (other, at) => {
      if (other === key(name)) return [at];
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
 * @param {Unrolled} one @param {"b" | "b_hn"} name @returns {Operation} */
function ofBias(one, name) {
  const { layer, key, sums, size } = one;
  const own = sums.filter(({ bias }) => bias === name);
  const gateAt = (/** @type {number} */ j) =>
    key(deltaName(own[own.length > 1 ? Math.floor(j / size) : 0].gate));
  return {
    ...gradientOf(
      one,
      name,
      name === "b" ? "The gradient of the biases" : "The gradient of the state's bias",
    ),
    says: "A bias is added at every step, so that its gradient is the sum of δ over the steps and the cases.",
    numpy: `${name}_grad = delta.sum(axis=(0, 1))`,
    reads: [...own.map(({ gate }) => key(deltaName(gate))), ...penaltyReads(layer, name)],
    expression: ([j]) =>
      withPenalty(
        layer,
        name,
        [j],
        overSteps(one, (n, s) => cell(gateAt(j), [n, s, j % size])),
      ),
    influences: (other, at) => {
      if (other === key(name)) return [at];
      const block = own.findIndex(({ gate }) => key(deltaName(gate)) === other);
      return block < 0 || at[1] >= one.length(at[0]) ? [] : [[block * size + at[2]]];
    },
  };
}

/** The gradient of a learnt start. @param {Unrolled} one @param {"h" | "c"} state
 * @returns {Operation} */
function ofStart(one, state) {
  const { layer, key, sums } = one;
  const name = `${state}0`;
  const kept = keptBy(one);
  const keeps = kept?.[0] === state ? [`J_${state}`, kept[1]] : [];
  const deltas =
    state === "h" ? sums.filter(({ U }) => U !== null).map(({ gate }) => deltaName(gate)) : [];
  return {
    ...gradientOf(one, name, `The gradient of the start of ${state}`),
    says: "Every case begins with the same start; it moves the loss through the first step.",
    numpy:
      state === "h"
        ? "h0_grad = (delta[:, 0] @ U.T).sum(axis=0)"
        : "c0_grad = (J_c[:, 0] * f[:, 0]).sum(axis=0)",
    reads: [...deltas, ...keeps, ...(state === "h" ? ["U"] : [])]
      .map(key)
      .concat(penaltyReads(layer, name)),
    expression: ([k]) =>
      withPenalty(
        layer,
        name,
        [k],
        sum(
          range(casesOf(one)).map((n) =>
            addedUp([
              ...(state === "h" ? throughU(one, WHOLE, [n, 0, k], k) : []),
              ...throughKept(one, WHOLE, state, [n, 0, k]),
            ]),
          ),
          "n",
        ),
      ),
    influences: (other, at) => {
      if (other === key("U") || other === key(name)) return [[at[0]]];
      if (at[1] !== 0) return [];
      return keeps.map(key).includes(other) ? [[at[2]]] : [[null]];
    },
  };
}

/** @param {Unrolled} one @param {string} name @returns {Operation} */
export function ofParameter(one, name) {
  if (name === "W" || name === "U") return ofMatrix(one, name);
  if (name === "b" || name === "b_hn") return ofBias(one, name);
  return ofStart(one, name === "h0" ? "h" : "c");
}
