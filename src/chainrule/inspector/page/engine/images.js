/** The engines of layers with filters: each image unfolded window by window, then products. */

import { ndarray } from "../arrays.js";
import { windowsOf } from "../windows.js";
import { backThroughPhi, throughPhi } from "./at.js";

/**
 * @typedef {import("../arrays.js").NdArray} NdArray
 * @typedef {import("../scene.js").SceneLayer} SceneLayer
 * @typedef {import("./at.js").AtLayer} AtLayer
 * @typedef {import("./at.js").Engine} Engine
 *
 * @typedef {Object} Unfolding  an image as a matrix: a row for each weight of a filter, (c, p, q),
 *   and a column for each place of the window
 * @property {Int32Array} pixels the flat pixel of each number of the matrix; −1 where it is padding
 * @property {number} under the rows: how many pixels a window covers in all channels
 * @property {number} places the columns
 * @property {number} size of an image, in numbers
 */

/** @param {SceneLayer} layer @returns {Unfolding} */
function unfoldingOf(layer) {
  const [rows, columns] = windowsOf(layer);
  const [channels, height, width] = layer.input_shape;
  const under = channels * rows.size * columns.size;
  const places = rows.places * columns.places;
  const pixels = new Int32Array(under * places).fill(-1);
  let k = 0;
  for (let c = 0; c < channels; c++)
    for (let p = 0; p < rows.size; p++)
      for (let q = 0; q < columns.size; q++)
        for (let i = 0; i < rows.places; i++)
          for (let j = 0; j < columns.places; j++, k++) {
            const y = i * rows.stride + p - rows.before;
            const x = j * columns.stride + q - columns.before;
            if (y >= 0 && y < height && x >= 0 && x < width)
              pixels[k] = (c * height + y) * width + x;
          }
  return { pixels, under, places, size: channels * height * width };
}

/** The pixels of an image as a matrix, 0 at padding.
 * @param {Unfolding} unfolding @param {Float64Array} image @param {Float64Array} into */
function unfold({ pixels }, image, into) {
  for (let k = 0; k < pixels.length; k++) into[k] = pixels[k] < 0 ? 0 : image[pixels[k]];
}

/** Add each number of a matrix to its pixel of an image.
 * @param {Unfolding} unfolding @param {Float64Array} matrix @param {Float64Array} image */
function foldInto({ pixels }, matrix, image) {
  for (let k = 0; k < pixels.length; k++) if (pixels[k] >= 0) image[pixels[k]] += matrix[k];
}

/** Add Σₖ factors[start + k · step] · rows[k] to one row; four rows at a time.
 * @param {Float64Array} factors @param {number} start @param {number} step
 * @param {Float64Array} rows (count, width) @param {Float64Array} into (width,) */
function addCombination(factors, start, step, rows, into) {
  const width = into.length;
  const count = rows.length / width;
  let k = 0;
  for (; k + 4 <= count; k += 4) {
    const at = start + k * step;
    const a = factors[at];
    const b = factors[at + step];
    const c = factors[at + 2 * step];
    const d = factors[at + 3 * step];
    const one = k * width;
    const two = one + width;
    const three = two + width;
    const four = three + width;
    for (let j = 0; j < width; j++)
      into[j] += a * rows[one + j] + b * rows[two + j] + c * rows[three + j] + d * rows[four + j];
  }
  for (; k < count; k++) {
    const factor = factors[start + k * step];
    for (let j = 0; j < width; j++) into[j] += factor * rows[k * width + j];
  }
}

/** Add the product of one row with each of several rows; four rows at a time. What is 0 in the row
 * is left out, as most of δ is behind a max pool.
 * @param {Float64Array} row (width,) @param {Float64Array} rows (count, width)
 * @param {Float64Array} into (count,) */
function addProducts(row, rows, into) {
  const width = row.length;
  const places = new Int32Array(width);
  let many = 0;
  for (let j = 0; j < width; j++) if (row[j] !== 0) places[many++] = j;
  let k = 0;
  for (; k + 4 <= into.length; k += 4) {
    const one = k * width;
    const two = one + width;
    const three = two + width;
    const four = three + width;
    let a = 0;
    let b = 0;
    let c = 0;
    let d = 0;
    for (let n = 0; n < many; n++) {
      const j = places[n];
      const number = row[j];
      a += number * rows[one + j];
      b += number * rows[two + j];
      c += number * rows[three + j];
      d += number * rows[four + j];
    }
    into[k] += a;
    into[k + 1] += b;
    into[k + 2] += c;
    into[k + 3] += d;
  }
  for (; k < into.length; k++)
    for (let n = 0; n < many; n++) into[k] += row[places[n]] * rows[k * width + places[n]];
}

/** Part k of an array that consists of equal parts, as a view.
 * @param {Float64Array} data @param {number} k @param {number} length */
const partOf = (data, k, length) => data.subarray(k * length, (k + 1) * length);

/** Unfold the image of each case in turn into one matrix.
 * @param {AtLayer} at @param {Unfolding} unfolding
 * @param {(n: number, matrix: Float64Array) => void} tell */
function eachUnfolded(at, unfolding, tell) {
  const matrix = new Float64Array(unfolding.under * unfolding.places);
  for (let n = 0; n < at.cases; n++) {
    unfold(unfolding, partOf(at.x.data, n, unfolding.size), matrix);
    tell(n, matrix);
  }
}

/** Images of the cases, each folded from the matrix that is added up for it.
 * @param {AtLayer} at @param {Unfolding} unfolding
 * @param {(n: number, matrix: Float64Array) => void} fill from zeros */
function eachFolded(at, unfolding, fill) {
  const images = ndarray(at.x.shape);
  const matrix = new Float64Array(unfolding.under * unfolding.places);
  for (let n = 0; n < at.cases; n++) {
    matrix.fill(0);
    fill(n, matrix);
    foldInto(unfolding, matrix, partOf(images.data, n, unfolding.size));
  }
  return images;
}

/** @param {AtLayer} at @returns {boolean} */
const hasBiases = (at) => at.layer.parameters.some((one) => one.name === "b");

/** Filters that all places share: W is (filters, c · p · q).
 * @type {Engine} */
const CONV2D_ENGINE = {
  forward(at) {
    const unfolding = unfoldingOf(at.layer);
    const { under, places } = unfolding;
    const [W, filters] = [at.array("W").data, at.layer.output_shape[0]];
    const z = ndarray([at.cases, ...at.layer.output_shape]);
    const b = hasBiases(at) ? at.array("b").data : null;
    eachUnfolded(at, unfolding, (n, matrix) => {
      for (let f = 0; f < filters; f++) {
        const into = partOf(z.data, n * filters + f, places);
        if (b) into.fill(b[f]);
        addCombination(W, f * under, 1, matrix, into);
      }
    });
    return throughPhi(at, z);
  },
  backward(at, J) {
    const unfolding = unfoldingOf(at.layer);
    const { under, places } = unfolding;
    const [W, filters] = [at.array("W"), at.layer.output_shape[0]];
    const delta = backThroughPhi(at, J).data;
    const gradient = ndarray(W.shape);
    eachUnfolded(at, unfolding, (n, matrix) => {
      const own = partOf(delta, n, filters * places);
      for (let f = 0; f < filters; f++)
        addProducts(partOf(own, f, places), matrix, partOf(gradient.data, f, under));
    });
    at.keep("W_grad", gradient);
    if (hasBiases(at)) at.keep("b_grad", ndarray([filters], sumsOfRows(delta, filters, places)));
    const back = at.rightOrWrong("W_back", W).data;
    return eachFolded(at, unfolding, (n, matrix) => {
      const own = partOf(delta, n, filters * places);
      for (let k = 0; k < under; k++)
        addCombination(back, k, under, own, partOf(matrix, k, places));
    });
  },
};

/** The sum of row k of each case, (rows,).
 * @param {Float64Array} data (cases, rows, width) @param {number} rows @param {number} width */
function sumsOfRows(data, rows, width) {
  const into = new Float64Array(rows);
  for (let k = 0; k < data.length; k++) into[Math.floor(k / width) % rows] += data[k];
  return into;
}

/** Filters of each place: W is (places, filters, c · p · q), b (places, filters).
 * @type {Engine} */
const LOCAL_ENGINE = {
  forward(at) {
    const unfolding = unfoldingOf(at.layer);
    const { under, places } = unfolding;
    const [W, filters] = [at.array("W").data, at.layer.output_shape[0]];
    const z = ndarray([at.cases, ...at.layer.output_shape]);
    const b = hasBiases(at) ? at.array("b").data : null;
    eachUnfolded(at, unfolding, (n, matrix) => {
      for (let place = 0; place < places; place++)
        for (let f = 0; f < filters; f++) {
          const own = place * filters + f;
          let total = b ? b[own] : 0;
          for (let k = 0; k < under; k++) total += W[own * under + k] * matrix[k * places + place];
          z.data[(n * filters + f) * places + place] = total;
        }
    });
    return throughPhi(at, z);
  },
  backward(at, J) {
    const unfolding = unfoldingOf(at.layer);
    const { under, places } = unfolding;
    const [W, filters] = [at.array("W"), at.layer.output_shape[0]];
    const delta = backThroughPhi(at, J).data;
    const gradient = ndarray(W.shape);
    const ofBiases = new Float64Array(places * filters);
    /** Give each filter of each place, with its δ of a case. */
    const eachFilter = (
      /** @type {number} */ n,
      /** @type {(own: number, place: number, factor: number) => void} */ tell,
    ) => {
      for (let place = 0; place < places; place++)
        for (let f = 0; f < filters; f++)
          tell(place * filters + f, place, delta[(n * filters + f) * places + place]);
    };
    eachUnfolded(at, unfolding, (n, matrix) => {
      eachFilter(n, (own, place, factor) => {
        ofBiases[own] += factor;
        for (let k = 0; k < under; k++)
          gradient.data[own * under + k] += factor * matrix[k * places + place];
      });
    });
    at.keep("W_grad", gradient);
    if (hasBiases(at)) at.keep("b_grad", ndarray(at.array("b").shape, ofBiases));
    const back = at.rightOrWrong("W_back", W).data;
    return eachFolded(at, unfolding, (n, matrix) => {
      eachFilter(n, (own, place, factor) => {
        for (let k = 0; k < under; k++)
          matrix[k * places + place] += factor * back[own * under + k];
      });
    });
  },
};

/** @type {Record<string, Engine>} */
export const FILTER_ENGINES = { conv2d: CONV2D_ENGINE, locally_connected2d: LOCAL_ENGINE };
