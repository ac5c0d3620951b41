/** The operations of softmax, flatten, dropout, embedding and the joins. */

import { flatIndex, placeOf } from "../arrays.js";
import { call, cell, constant, curve, negative, product, quotient, sum } from "../expressions.js";
import { countOfCases, outputShapeOf } from "../scene.js";
import { fedBy, isPadding, ofAllCases, range, sentTo, sumOfCases } from "./common.js";

/**
 * @typedef {import("../arrays.js").Place} Place
 * @typedef {import("../expressions.js").Expression} Expression
 * @typedef {import("../scene.js").Scene} Scene
 * @typedef {import("../scene.js").SceneLayer} SceneLayer
 * @typedef {import("./operations.js").OperationRule} OperationRule
 * @typedef {import("./operations.js").Family} Family
 */

/** An operation that gives each number of an array a place in another.
 * @param {Omit<OperationRule, "reads" | "expression" | "influences">} told
 * @param {string} from the key of the array that is read
 * @param {(at: Place) => Place} placeBefore from a place of the target to one of `from`
 * @param {(at: Place) => Place} placeAfter back
 * @returns {OperationRule} */
const moved = (told, from, placeBefore, placeAfter) => ({
  ...told,
  reads: [from],
  expression: (at) => cell(from, placeBefore(at)),
  influences: (_, at) => [placeAfter(at)],
});

// Softmax

/** @param {Expression} z @returns {Expression} */
const powerOfE = (z) => curve("exp", Math.exp, Math.exp, z);

/** @param {SceneLayer} layer @returns {OperationRule[]} */
function probabilities(layer) {
  const z = fedBy(layer);
  const classes = range(layer.output_shape.at(-1) ?? 0);
  return [
    {
      target: `${layer.name}.out`,
      title: "The probabilities",
      says: "e to the power of each z is above 0; divided by the sum of all, they add up to 1.",
      numpy: "y = np.exp(z) / np.exp(z).sum(axis=-1, keepdims=True)",
      reads: [z],
      expression: (at) => {
        const powers = classes.map((k) => powerOfE(cell(z, [...at.slice(0, -1), k])));
        return quotient(powers[at[at.length - 1]], sum(powers, "k"));
      },
      influences: (_, at) => [[...at.slice(0, -1), null]],
    },
  ];
}

/** Back through softmax, where the loss does not give ∂L/∂z itself.
 * @param {Scene} scene @param {SceneLayer} layer @returns {OperationRule[]} */
function throughSoftmax(scene, layer) {
  if (scene.loss_from_logits) return [];
  const [y, J] = [`${layer.name}.out`, `${layer.name}.J`];
  const classes = range(layer.output_shape.at(-1) ?? 0);
  return [
    {
      target: sentTo(scene, layer),
      title: "Back through softmax",
      says: "A larger z makes its own probability larger, and takes from all the others.",
      numpy: "delta = y * (J - (J * y).sum(axis=-1, keepdims=True))",
      reads: [y, J],
      expression: (at) => {
        if (isPadding(scene, layer.output_shape, at)) return constant(0);
        const lead = at.slice(0, -1);
        const products = classes.map((k) => product(cell(J, [...lead, k]), cell(y, [...lead, k])));
        return product(cell(y, at), sum([cell(J, at), negative(sum(products, "k"))]));
      },
      influences: (_, at) =>
        isPadding(scene, layer.output_shape, at) ? [] : [[...at.slice(0, -1), null]],
    },
  ];
}

/** @type {Family} */
const SOFTMAX = {
  forward: (_, layer) => probabilities(layer),
  backward: throughSoftmax,
};

// Flatten and dropout

/** The place in a row of a place in what is placesOfFlat, and back.
 * @param {SceneLayer} layer */
const placesOfFlat = (layer) => ({
  row: (/** @type {Place} */ [n, ...rest]) => [n, flatIndex(layer.input_shape, rest)],
  block: (/** @type {Place} */ [n, k]) => [n, ...placeOf(layer.input_shape, k)],
});

/** @type {Family} */
const FLATTEN = {
  forward: (_, layer) => [
    moved(
      {
        target: `${layer.name}.out`,
        title: "One row",
        says: "The numbers stay as they are, and stand in one row for each case.",
        numpy: "y = x.reshape(len(x), -1)",
      },
      fedBy(layer),
      placesOfFlat(layer).block,
      placesOfFlat(layer).row,
    ),
  ],
  backward: (scene, layer) => [
    moved(
      {
        target: sentTo(scene, layer),
        title: "Back into shape",
        says: "Each number goes back to the place that it came from.",
        numpy: "J_before = J.reshape(x.shape)",
      },
      `${layer.name}.J`,
      placesOfFlat(layer).row,
      placesOfFlat(layer).block,
    ),
  ],
};

/** @param {string} from @param {string} mask @returns {Pick<OperationRule, "reads" | "expression" | "influences">} */
const timesMask = (from, mask) => ({
  reads: [from, mask],
  expression: (at) => product(cell(from, at), cell(mask, at)),
  influences: (_, at) => [at],
});

/** @type {Family} */
const DROPOUT = {
  forward: (_, layer) => [
    {
      target: `${layer.name}.out`,
      title: "Some numbers are left out",
      says: "The mask is drawn at random; what stays is made larger, so that the mean stays.",
      numpy: "y = x * mask",
      ...timesMask(fedBy(layer), `${layer.name}.mask`),
    },
  ],
  backward: (scene, layer) => [
    {
      target: sentTo(scene, layer),
      title: "Back through the mask",
      says: "What was left out cannot have moved the loss; the rest did by the mask's factor.",
      numpy: "J_before = J * mask",
      ...timesMask(`${layer.name}.J`, `${layer.name}.mask`),
    },
  ],
};

// Joins

/** @type {Family} */
const ADD = {
  forward: (_, layer) => [
    {
      target: `${layer.name}.out`,
      title: "The sum of the sources",
      says: "Numbers in the same place are added up.",
      numpy: `y = ${layer.sources.map((_, k) => `x_${k + 1}`).join(" + ")}`,
      reads: [...new Set(layer.sources.map((one) => `${one}.out`))],
      expression: (at) => sum(layer.sources.map((one) => cell(`${one}.out`, at))),
      influences: (_, at) => [at],
    },
  ],
  backward: (scene, layer) =>
    layer.sources.map((one, k) =>
      moved(
        {
          target: sentTo(scene, layer, k),
          title: `Back to ${one}`,
          says: "A sum moves with each of its terms as that does, so that J goes on unchanged.",
          numpy: "J_before = J",
        },
        `${layer.name}.J`,
        (at) => at,
        (at) => at,
      ),
    ),
};

/** Where each source of a concatenation begins, along the axis that is joined.
 * @param {Scene} scene @param {SceneLayer} layer */
function joined(scene, layer) {
  const shapes = layer.sources.map((one) => outputShapeOf(scene, one));
  const axis = shapes[0].length === 2 ? 1 : 0;
  const starts = shapes.map((_, k) =>
    shapes.slice(0, k).reduce((total, shape) => total + shape[axis], 0),
  );
  const shifted = (/** @type {Place} */ at, /** @type {number} */ by) =>
    at.map((one, place) => (place === axis + 1 ? one + by : one));
  const of = (/** @type {Place} */ at) => starts.findLastIndex((start) => start <= at[axis + 1]);
  return { starts, shifted, of };
}

/** @type {Family} */
const CONCATENATE = {
  forward: (scene, layer) => {
    const { starts, shifted, of } = joined(scene, layer);
    return [
      {
        target: `${layer.name}.out`,
        title: "One behind the other",
        says: "The sources' numbers stay as they are; each source follows the one before it.",
        numpy: `y = np.concatenate([${layer.sources.map((_, k) => `x_${k + 1}`).join(", ")}], axis=${layer.output_shape.length === 2 ? 2 : 1})`,
        reads: [...new Set(layer.sources.map((one) => `${one}.out`))],
        expression: (at) => cell(`${layer.sources[of(at)]}.out`, shifted(at, -starts[of(at)])),
        influences: (key, at) =>
          starts
            .filter((_, k) => `${layer.sources[k]}.out` === key)
            .map((start) => shifted(at, start)),
      },
    ];
  },
  backward: (scene, layer) => {
    const { starts, shifted, of } = joined(scene, layer);
    return layer.sources.map((one, k) => ({
      target: sentTo(scene, layer, k),
      title: `Back to ${one}`,
      says: "Each source gets the part that belongs to its own numbers.",
      numpy: `J_before = np.split(J, ${JSON.stringify(starts.slice(1))}, axis=${layer.output_shape.length === 2 ? 2 : 1})[${k}]`,
      reads: [`${layer.name}.J`],
      expression: (at) => cell(`${layer.name}.J`, shifted(at, starts[k])),
      influences: (_, at) => (of(at) === k ? [shifted(at, -starts[k])] : []),
    }));
  },
};

// Embedding

/** 1 where a number is a class, else 0. @param {number} c @param {Expression} x @returns {Expression} */
const isClass = (c, x) => call(`[x = ${c}]`, (one) => (one === c ? 1 : 0), x);

/** @param {SceneLayer} layer */
function vectors(layer) {
  const [classes, size] = layer.parameters[0].shape;
  const x = fedBy(layer);
  return {
    classes,
    size,
    x,
    number: (/** @type {Place} */ at) =>
      cell(x, [...at.slice(0, -1), Math.floor(at[at.length - 1] / size)]),
  };
}

/** @type {Family} */
const EMBEDDING = {
  forward: (scene, layer) => {
    const { classes, size, x, number } = vectors(layer);
    const E = `${layer.name}.E`;
    return [
      {
        target: `${layer.name}.out`,
        title: "The vector of the class",
        says: "The row of E that belongs to the class number; all other rows count 0 times.",
        numpy: "z = E[x.astype(int)].reshape(*x.shape[:-1], -1)",
        reads: [x, E],
        expression: (at) =>
          isPadding(scene, layer.output_shape, at)
            ? constant(Number.NaN)
            : sum(
                range(classes).map((c) =>
                  product(isClass(c, number(at)), cell(E, [c, at[at.length - 1] % size])),
                ),
                "c",
              ),
        influences: (key, at) => {
          if (key === E) {
            return range((layer.output_shape.at(-1) ?? 0) / size).flatMap((k) =>
              ofAllCases(scene, layer.output_shape, k * size + at[1]),
            );
          }
          const start = at[at.length - 1] * size;
          const vector = [
            ...at.slice(0, -1),
            /** @type {[number, number]} */ ([start, start + size]),
          ];
          return isPadding(scene, layer.input_shape, at) ? [] : [vector];
        },
      },
    ];
  },
  backward: (scene, layer) => [
    {
      target: sentTo(scene, layer),
      title: "Nothing goes back",
      says: "Class numbers are no quantities: none of them can be a little larger.",
      numpy: "J_before = np.zeros_like(x)",
      reads: [],
      expression: () => constant(0),
      influences: () => [],
    },
  ],
  gradients: (scene, layer) => {
    const { size, x } = vectors(layer);
    const J = `${layer.name}.J`;
    const numbers = range(layer.input_shape.at(-1) ?? 0);
    return [
      {
        target: `${layer.name}.E_grad`,
        title: "The gradient of the vectors",
        says: "A vector moves the loss wherever its class occurs; the places add up.",
        numpy: "np.add.at(E_grad, x.astype(int).ravel(), J.reshape(-1, E.shape[1]))",
        reads: [x, J],
        expression: ([c, j]) => {
          const term = (/** @type {Place} */ lead) =>
            sum(
              numbers.map((i) =>
                product(isClass(c, cell(x, [...lead, i])), cell(J, [...lead, i * size + j])),
              ),
              "i",
            );
          return sumOfCases(scene, layer.input_shape, term, countOfCases(scene));
        },
        influences: (key, at) => {
          if (isPadding(scene, layer.input_shape, at)) return [];
          return [[null, key === x ? null : at[at.length - 1] % size]];
        },
      },
    ];
  },
};

/** @type {Record<string, Family>} */
export const ROWS_FAMILIES = {
  softmax: SOFTMAX,
  flatten: FLATTEN,
  dropout: DROPOUT,
  add: ADD,
  concatenate: CONCATENATE,
  embedding: EMBEDDING,
};
