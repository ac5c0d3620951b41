/** The operations of layers with filters on images, which all places share or each has its own. */

import { cell, product, sum } from "../expressions.js";
import { hasZ, infoOf } from "../scene.js";
import {
  hasPadding,
  indicesIn,
  linesUnder,
  lineUnder,
  positionIn,
  positionsOnImage,
  windowsOf,
  windowsOnImage,
  windowsOver,
} from "../windows.js";
import { activated, deltaOf, fedBy, range, sentTo, throughActivation } from "./common.js";

/**
 * @typedef {import("../arrays.js").Place} Place
 * @typedef {import("../arrays.js").Region} Region
 * @typedef {import("../expressions.js").Expression} Expression
 * @typedef {import("../scene.js").Scene} Scene
 * @typedef {import("../scene.js").SceneLayer} SceneLayer
 * @typedef {import("../windows.js").Side} Side
 * @typedef {import("./operations.js").OperationRule} OperationRule
 * @typedef {import("./operations.js").Family} Family
 */

/** Σ of a term for each value of an index.
 * @param {string} index @param {number[]} values @param {(value: number) => Expression} term */
export const sumOver = (index, values, term) => sum(values.map(term), index);

/** The indices of the cases of an array.
 * @param {Scene} scene @param {string} key @returns {number[]} */
const caseIndices = (scene, key) => range(infoOf(scene, key)?.shape[0] ?? 0);

/** The lines on which position p of the windows lies: one range, or single ones with gaps.
 * @param {Side} side @param {number} p @returns {Region} */
function linesAt(side, p) {
  const lines = indicesIn(windowsOnImage(side, p)).map((i) => lineUnder(side, i, p));
  if (side.stride > 1 || !lines.length) return lines;
  return [[lines[0], lines[lines.length - 1] + 1]];
}

/** Every pair of rows and columns, behind the same first axes.
 * @param {Region} first @param {Region} rows @param {Region} columns @returns {Region[]} */
const regionsOf = (first, rows, columns) =>
  rows.flatMap((row) => columns.map((column) => [...first, row, column]));

/** Whether each place has filters of its own.
 * @param {SceneLayer} layer @returns {boolean} */
const isLocal = (layer) => layer.type === "locally_connected2d";

/** Where a weight lies in W.
 * @param {boolean} local @param {number} i @param {number} j @param {number[]} rest (f, c, p, q),
 *   or (f) in b @returns {Place} */
const weightAt = (local, i, j, ...rest) => (local ? [i, j, ...rest] : rest);

/** What a layer of filters does, in words and in NumPy.
 * @param {SceneLayer} layer @param {boolean} hasBias */
function toldOf(layer, hasBias) {
  const local = isLocal(layer);
  const says = local
    ? "Every place has filters of its own: each pixel under one, times the weight that lies on it"
    : "The same filter moves over the image: each pixel under it, times the weight that lies on it";
  const bias = hasBias
    ? `, all added up, and the ${local ? "" : "filter's "}bias`
    : ", all added up";
  const ofPlace = hasBias && local ? " of this place" : "";
  const edge = hasPadding(windowsOf(layer)) ? " Beyond its edges the image counts as 0." : "";
  const einsum = `einsum("ncijpq,${local ? "ij" : ""}fcpq->nfij", windows(x), W)`;
  const added = local ? " + b.transpose(2, 0, 1)" : " + b[:, None, None]";
  return {
    says: `${says}${bias}${ofPlace}.${edge}`,
    numpy: `z = ${einsum}${hasBias ? added : ""}`,
  };
}

/** The pixel under a weight of filters of each place; null where that is padding.
 * @param {[Side, Side]} sides @param {Place} at the place of the weight, (i, j, f, c, p, q)
 * @returns {[number, number] | null} */
function pixelUnder([rows, columns], [i, j, , , p, q]) {
  const [row, column] = [lineUnder(rows, i, p), lineUnder(columns, j, q)];
  const isOnImage = row >= 0 && row < rows.length && column >= 0 && column < columns.length;
  return isOnImage ? [row, column] : null;
}

/** z = W ∗ x + b.
 * @param {SceneLayer} layer @returns {OperationRule} */
function filteredImages(layer) {
  const { name, input_shape } = layer;
  const local = isLocal(layer);
  const [x, W, b] = [fedBy(layer), `${name}.W`, `${name}.b`];
  const hasBias = layer.parameters.some((one) => one.name === "b");
  const [rows, columns] = windowsOf(layer);
  return {
    target: `${name}.${hasZ(layer) ? "z" : "out"}`,
    title: "The filters on the image",
    ...toldOf(layer, hasBias),
    reads: hasBias ? [x, W, b] : [x, W],
    expression: ([n, f, i, j]) => {
      const products = sumOver("c", range(input_shape[0]), (c) =>
        sumOver("p", indicesIn(positionsOnImage(rows, i)), (p) =>
          sumOver("q", indicesIn(positionsOnImage(columns, j)), (q) =>
            product(
              cell(x, [n, c, lineUnder(rows, i, p), lineUnder(columns, j, q)]),
              cell(W, weightAt(local, i, j, f, c, p, q)),
            ),
          ),
        ),
      );
      return hasBias ? sum([products, cell(b, weightAt(local, i, j, f))]) : products;
    },
    influences: (key, at) => {
      if (key === x) return [[at[0], null, windowsOver(rows, at[2]), windowsOver(columns, at[3])]];
      if (local) {
        const isUsed = key === b || pixelUnder([rows, columns], at);
        return isUsed ? [[null, at[2], at[0], at[1]]] : [];
      }
      if (key === b) return [[null, at[0]]];
      return [[null, at[0], windowsOnImage(rows, at[2]), windowsOnImage(columns, at[3])]];
    },
  };
}

/** ∂L/∂x of filters.
 * @param {Scene} scene @param {SceneLayer} layer @returns {OperationRule} */
function throughFilters(scene, layer) {
  const local = isLocal(layer);
  const [delta, W] = [deltaOf(layer), `${layer.name}.W`];
  const [rows, columns] = windowsOf(layer);
  return {
    target: sentTo(scene, layer),
    title: "Back to the pixels",
    says:
      "A pixel moves the loss through every window that it lies under, by the weight that lies " +
      "on it there; filters and windows add up.",
    numpy: "J_before = add_up_windows(delta, W)",
    reads: [delta, W],
    expression: ([n, c, y, x]) =>
      sumOver("f", range(layer.output_shape[0]), (f) =>
        sumOver("i", indicesIn(windowsOver(rows, y)), (i) =>
          sumOver("j", indicesIn(windowsOver(columns, x)), (j) => {
            const [p, q] = [positionIn(rows, i, y), positionIn(columns, j, x)];
            const weight = cell(W, weightAt(local, i, j, f, c, p, q));
            return product(cell(delta, [n, f, i, j]), weight);
          }),
        ),
      ),
    influences: (key, at) => {
      if (key === delta)
        return [[at[0], null, linesUnder(rows, at[2]), linesUnder(columns, at[3])]];
      const [c, p, q] = at.slice(-3);
      if (!local) return regionsOf([null, c], linesAt(rows, p), linesAt(columns, q));
      const pixel = pixelUnder([rows, columns], at);
      return pixel ? [[null, c, ...pixel]] : [];
    },
  };
}

/** The positions at which a line lies in the windows over it.
 * @param {Side} side @param {number} line @returns {number[]} */
const positionsOver = (side, line) =>
  indicesIn(windowsOver(side, line)).map((i) => positionIn(side, i, line));

/** ∂L/∂W of filters that all places share: places and cases add up.
 * @param {Scene} scene @param {SceneLayer} layer @returns {OperationRule} */
function filterGradient(scene, layer) {
  const [x, delta] = [fedBy(layer), deltaOf(layer)];
  const [rows, columns] = windowsOf(layer);
  const cases = caseIndices(scene, x);
  return {
    target: `${layer.name}.W_grad`,
    title: "The gradient of the filters",
    says:
      "One weight is used at every place of every image. Each time it moves z by the pixel that " +
      "it lies on, and z moves the loss by δ; all places and all cases add up.",
    numpy: 'W_grad = einsum("ncijpq,nfij->fcpq", windows(x), delta)',
    reads: [x, delta],
    expression: ([f, c, p, q]) => {
      const [down, across] = [
        indicesIn(windowsOnImage(rows, p)),
        indicesIn(windowsOnImage(columns, q)),
      ];
      return sumOver("n", cases, (n) =>
        sumOver("i", down, (i) =>
          sumOver("j", across, (j) =>
            product(
              cell(x, [n, c, lineUnder(rows, i, p), lineUnder(columns, j, q)]),
              cell(delta, [n, f, i, j]),
            ),
          ),
        ),
      );
    },
    influences: (key, at) => {
      if (key === delta)
        return [[at[1], null, positionsOnImage(rows, at[2]), positionsOnImage(columns, at[3])]];
      const [p, q] = [positionsOver(rows, at[2]), positionsOver(columns, at[3])];
      return regionsOf([null, at[1]], p, q);
    },
  };
}

/** ∂L/∂W of filters of each place: only the cases add up.
 * @param {Scene} scene @param {SceneLayer} layer @returns {OperationRule} */
function localFilterGradient(scene, layer) {
  const [x, delta] = [fedBy(layer), deltaOf(layer)];
  const [rows, columns] = windowsOf(layer);
  const cases = caseIndices(scene, x);
  return {
    target: `${layer.name}.W_grad`,
    title: "The gradient of the filters",
    says:
      "A weight is used at its own place alone, once in every image. It moves z by the pixel that " +
      "it lies on, and z moves the loss by δ; only the cases add up.",
    numpy: 'W_grad = einsum("ncijpq,nfij->ijfcpq", windows(x), delta)',
    reads: [x, delta],
    expression: (at) => {
      const [i, j, f, c] = at;
      const pixel = pixelUnder([rows, columns], at);
      const terms = (pixel ? cases : []).map((n) =>
        product(cell(x, [n, c, .../** @type {Place} */ (pixel)]), cell(delta, [n, f, i, j])),
      );
      return sum(terms, "n");
    },
    influences: (key, at) => {
      if (key === delta) {
        const inside = [positionsOnImage(rows, at[2]), positionsOnImage(columns, at[3])];
        return [[at[2], at[3], at[1], null, ...inside]];
      }
      return indicesIn(windowsOver(rows, at[2])).flatMap((i) =>
        indicesIn(windowsOver(columns, at[3])).map((j) => {
          const position = [positionIn(rows, i, at[2]), positionIn(columns, j, at[3])];
          return [i, j, null, at[1], ...position];
        }),
      );
    },
  };
}

/** ∂L/∂b of filters, where there are biases.
 * @param {Scene} scene @param {SceneLayer} layer @returns {OperationRule[]} */
function biasGradient(scene, layer) {
  if (!layer.parameters.some((one) => one.name === "b")) return [];
  const local = isLocal(layer);
  const delta = deltaOf(layer);
  const cases = caseIndices(scene, delta);
  const [down, across] = layer.output_shape.slice(1).map(range);
  return [
    {
      target: `${layer.name}.b_grad`,
      title: "The gradient of the biases",
      says: local
        ? "A bias is added at its own place, once in every image; δ of all cases adds up."
        : "A bias is added at every place of every image; δ of all places and cases adds up.",
      numpy: local
        ? "b_grad = delta.sum(axis=0).transpose(1, 2, 0)"
        : "b_grad = delta.sum(axis=(0, 2, 3))",
      reads: [delta],
      expression: (at) =>
        sumOver("n", cases, (n) =>
          local
            ? cell(delta, [n, at[2], at[0], at[1]])
            : sumOver("i", down, (i) =>
                sumOver("j", across, (j) => cell(delta, [n, at[0], i, j])),
              ),
        ),
      influences: (_, at) => [local ? [at[2], at[3], at[1]] : [at[1]]],
    },
  ];
}

/** Layers with filters: `conv2d` and `locally_connected2d`.
 * @type {Family} */
export const FILTERED = {
  forward: (_, layer) => [filteredImages(layer), ...activated(layer)],
  backward: (scene, layer) => [...throughActivation(scene, layer), throughFilters(scene, layer)],
  gradients: (scene, layer) => [
    isLocal(layer) ? localFilterGradient(scene, layer) : filterGradient(scene, layer),
    ...biasGradient(scene, layer),
  ],
};
