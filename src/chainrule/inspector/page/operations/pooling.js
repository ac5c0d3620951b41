/** The operations of pooling: the largest or the mean of each window, or of a whole channel. */

import { call, cell, constant, product, quotient } from "../expressions.js";
import {
  hasPadding,
  indicesIn,
  linesUnder,
  lineUnder,
  positionIn,
  positionsOnImage,
  windowsOf,
  windowsOver,
} from "../windows.js";
import { fedBy, range, sentTo } from "./common.js";
import { sumOver } from "./images.js";

/**
 * @typedef {import("../arrays.js").Place} Place
 * @typedef {import("../scene.js").Scene} Scene
 * @typedef {import("../scene.js").SceneLayer} SceneLayer
 * @typedef {import("../windows.js").Side} Side
 * @typedef {import("./operations.js").OperationRule} OperationRule
 * @typedef {import("./operations.js").Family} Family
 */

/** The pixels under a window of one channel, and the position of each in it, row by row.
 * @param {[Side, Side]} sides @param {Place} at the place of the window's output
 * @returns {{place: Place, position: number}[]} */
function pixelsUnder([rows, columns], [n, c, i, j]) {
  return indicesIn(positionsOnImage(rows, i)).flatMap((p) =>
    indicesIn(positionsOnImage(columns, j)).map((q) => ({
      place: [n, c, lineUnder(rows, i, p), lineUnder(columns, j, q)],
      position: p * columns.size + q,
    })),
  );
}

/** What an output influences in the image, and a pixel among the outputs.
 * @param {[Side, Side]} sides */
const poolReach = ([rows, columns]) => ({
  ofOutput: (/** @type {Place} */ [n, c, i, j]) => [
    [n, c, linesUnder(rows, i), linesUnder(columns, j)],
  ],
  ofPixel: (/** @type {Place} */ [n, c, y, x]) => [
    [n, c, windowsOver(rows, y), windowsOver(columns, x)],
  ],
});

/** Which of some numbers is the largest: of equal ones the first; the last that is no number.
 * @param {number[]} numbers @returns {number} */
export function indexOfLargest(numbers) {
  let best = 0;
  for (let k = 1; k < numbers.length; k++)
    if (numbers[k] > numbers[best] || Number.isNaN(numbers[k])) best = k;
  return best;
}

/** @param {SceneLayer} layer @returns {OperationRule[]} */
function windowMaxima(layer) {
  const { name } = layer;
  const x = fedBy(layer);
  const sides = windowsOf(layer);
  const reach = poolReach(sides);
  return [
    {
      target: `${name}.winners`,
      title: "Which is the largest",
      says:
        "The place of the largest number in each window, counted row by row from 0; of equal " +
        "ones the first. The backward pass needs it.",
      numpy: "winners = windows(x).argmax(axis=-1)",
      reads: [x],
      expression: (at) => {
        const under = pixelsUnder(sides, at);
        return call(
          "argmax",
          (...numbers) => under[indexOfLargest(numbers)].position,
          ...under.map(({ place }) => cell(x, place)),
        );
      },
      influences: (_, at) => reach.ofPixel(at),
    },
    {
      target: `${name}.out`,
      title: "The largest of each window",
      says: "Each window keeps its largest number; the others are dropped.",
      numpy: "y = windows(x).max(axis=-1)",
      reads: [x],
      expression: (at) =>
        call("max", Math.max, ...pixelsUnder(sides, at).map(({ place }) => cell(x, place))),
      influences: (_, at) => reach.ofPixel(at),
    },
  ];
}

/** @param {Scene} scene @param {SceneLayer} layer @returns {OperationRule} */
function toLargest(scene, layer) {
  const { name } = layer;
  const [J, winners] = [`${name}.J`, `${name}.winners`];
  const sides = windowsOf(layer);
  const [rows, columns] = sides;
  const reach = poolReach(sides);
  return {
    target: sentTo(scene, layer),
    title: "Back to the largest",
    says:
      "The output moves with the largest number of its window, and with no other. That one gets " +
      "the whole gradient, of every window in which it is the largest; all others get 0.",
    numpy: "J_before = scatter(J, winners)",
    reads: [J, winners],
    expression: ([n, c, y, x]) =>
      sumOver("i", indicesIn(windowsOver(rows, y)), (i) =>
        sumOver("j", indicesIn(windowsOver(columns, x)), (j) => {
          const own = positionIn(rows, i, y) * columns.size + positionIn(columns, j, x);
          const is = (/** @type {number} */ winner) => (winner === own ? 1 : 0);
          const won = call(`[= ${own}]`, is, cell(winners, [n, c, i, j]));
          return product(won, cell(J, [n, c, i, j]));
        }),
      ),
    influences: (_, at) => reach.ofOutput(at),
  };
}

/** @param {SceneLayer} layer @returns {OperationRule} */
function windowMeans(layer) {
  const x = fedBy(layer);
  const sides = windowsOf(layer);
  const [rows, columns] = sides;
  const says = "Each window gives the mean of the numbers under it.";
  return {
    target: `${layer.name}.out`,
    title: "The mean of each window",
    says: hasPadding(sides) ? `${says} Beyond its edges the image counts as 0.` : says,
    numpy: "y = windows(x).mean(axis=-1)",
    reads: [x],
    expression: ([n, c, i, j]) =>
      product(
        quotient(constant(1), constant(rows.size * columns.size)),
        sumOver("p", indicesIn(positionsOnImage(rows, i)), (p) =>
          sumOver("q", indicesIn(positionsOnImage(columns, j)), (q) =>
            cell(x, [n, c, lineUnder(rows, i, p), lineUnder(columns, j, q)]),
          ),
        ),
      ),
    influences: (_, at) => poolReach(sides).ofPixel(at),
  };
}

/** @param {Scene} scene @param {SceneLayer} layer @returns {OperationRule} */
function toWindowMeans(scene, layer) {
  const J = `${layer.name}.J`;
  const sides = windowsOf(layer);
  const [rows, columns] = sides;
  const size = rows.size * columns.size;
  return {
    target: sentTo(scene, layer),
    title: "Back to every number of the window",
    says:
      "Every number of a window has the same share in its mean, and gets this share of the " +
      "gradient; windows that overlap add up.",
    numpy: `J_before = add_up_windows(J / ${size})`,
    reads: [J],
    expression: ([n, c, y, x]) =>
      product(
        quotient(constant(1), constant(size)),
        sumOver("i", indicesIn(windowsOver(rows, y)), (i) =>
          sumOver("j", indicesIn(windowsOver(columns, x)), (j) => cell(J, [n, c, i, j])),
        ),
      ),
    influences: (_, at) => poolReach(sides).ofOutput(at),
  };
}

/** @param {SceneLayer} layer @returns {OperationRule} */
function channelMeans(layer) {
  const x = fedBy(layer);
  const [, height, width] = layer.input_shape;
  return {
    target: `${layer.name}.out`,
    title: "The mean of each channel",
    says: "How much of what a channel looks for is in the whole image, wherever it is.",
    numpy: "y = x.mean(axis=(2, 3))",
    reads: [x],
    expression: ([n, c]) =>
      product(
        quotient(constant(1), constant(height * width)),
        sumOver("i", range(height), (i) =>
          sumOver("j", range(width), (j) => cell(x, [n, c, i, j])),
        ),
      ),
    influences: (_, [n, c]) => [[n, c]],
  };
}

/** @param {Scene} scene @param {SceneLayer} layer @returns {OperationRule} */
function toChannelMeans(scene, layer) {
  const J = `${layer.name}.J`;
  const [, height, width] = layer.input_shape;
  return {
    target: sentTo(scene, layer),
    title: "Back to every place of the channel",
    says: "Every place has the same share in the mean, and gets this share of the gradient.",
    numpy: `J_before = J[:, :, None, None] / ${height * width}`,
    reads: [J],
    expression: ([n, c]) =>
      product(quotient(constant(1), constant(height * width)), cell(J, [n, c])),
    influences: (_, [n, c]) => [[n, c]],
  };
}

/** @type {Family} */
export const MAX_POOL2D = {
  forward: (_, layer) => windowMaxima(layer),
  backward: (scene, layer) => [toLargest(scene, layer)],
};

/** @type {Family} */
export const AVERAGE_POOL2D = {
  forward: (_, layer) => [windowMeans(layer)],
  backward: (scene, layer) => [toWindowMeans(scene, layer)],
};

/** @type {Family} */
export const GLOBAL_AVERAGE_POOL2D = {
  forward: (_, layer) => [channelMeans(layer)],
  backward: (scene, layer) => [toChannelMeans(scene, layer)],
};
