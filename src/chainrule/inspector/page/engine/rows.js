/** The engines of layers of rows: dense, softmax, embedding, and layers without parameters. */

/**
 * @typedef {import("../arrays.js").NdArray} NdArray
 * @typedef {import("../scene.js").SceneLayer} SceneLayer
 * @typedef {import("./at.js").AtLayer} AtLayer
 * @typedef {import("./at.js").Engine} Engine
 */

import { ndarray, sizeOf } from "../arrays.js";
import { outputShapeOf } from "../scene.js";
import { backThroughPhi, overflowIsInf, throughPhi } from "./at.js";

/** The product A B of (m, k) and (k, n), added to ``into``, (m, n).
 *
 * Four rows of B are taken at a time, so that each number of ``into`` is written a quarter as often.
 * The distance between neighbours of A along both axes is given, so that A may be a transposed one.
 * @param {Float64Array} A @param {[number, number]} strides of A @param {[number, number, number]} sizes
 *   m, k, n @param {Float64Array} B @param {Float64Array} into */
function addMatrixProduct(A, [down, across], [m, k, n], B, into) {
  const even = k - (k % 4);
  for (let q = 0; q < even; q += 4) {
    const [b0, b1, b2, b3] = [q * n, (q + 1) * n, (q + 2) * n, (q + 3) * n];
    for (let row = 0; row < m; row++) {
      const from = row * down + q * across;
      const a0 = A[from];
      const a1 = A[from + across];
      const a2 = A[from + 2 * across];
      const a3 = A[from + 3 * across];
      const to = row * n;
      for (let j = 0; j < n; j++)
        into[to + j] += a0 * B[b0 + j] + a1 * B[b1 + j] + a2 * B[b2 + j] + a3 * B[b3 + j];
    }
  }
  for (let q = even; q < k; q++) {
    for (let row = 0; row < m; row++) {
      const factor = A[row * down + q * across];
      for (let j = 0; j < n; j++) into[row * n + j] += factor * B[q * n + j];
    }
  }
}

/** xᵀ δ for rows x, (rows, inputs), and δ, (rows, outputs): (inputs, outputs).
 * @param {Float64Array} x @param {Float64Array} delta @param {number} rows @returns {Float64Array} */
function transposedProduct(x, delta, rows) {
  const [inputs, outputs] = [x.length / rows, delta.length / rows];
  const into = new Float64Array(inputs * outputs);
  addMatrixProduct(x, [1, inputs], [inputs, rows, outputs], delta, into);
  return into;
}

/** δ Wᵀ for rows δ, (rows, outputs), and W, (inputs, outputs): (rows, inputs).
 *
 * Four rows of δ are taken at a time, so that each number of W is read a quarter as often.
 * @param {Float64Array} delta @param {Float64Array} W @param {number} inputs
 * @returns {Float64Array} */
function productWithTransposed(delta, W, inputs) {
  const outputs = W.length / inputs;
  const rows = delta.length / outputs;
  const into = new Float64Array(rows * inputs);
  const dot = (/** @type {number} */ from, /** @type {number} */ start) => {
    let total = 0;
    for (let j = 0; j < outputs; j++) total += delta[start + j] * W[from + j];
    return total;
  };
  const even = rows - (rows % 4);
  for (let i = 0; i < inputs; i++) {
    const from = i * outputs;
    for (let n = 0; n < even; n += 4) {
      const start = n * outputs;
      let [s0, s1, s2, s3] = [0, 0, 0, 0];
      for (let j = 0; j < outputs; j++) {
        const w = W[from + j];
        s0 += delta[start + j] * w;
        s1 += delta[start + outputs + j] * w;
        s2 += delta[start + 2 * outputs + j] * w;
        s3 += delta[start + 3 * outputs + j] * w;
      }
      into[n * inputs + i] = s0;
      into[(n + 1) * inputs + i] = s1;
      into[(n + 2) * inputs + i] = s2;
      into[(n + 3) * inputs + i] = s3;
    }
    for (let n = even; n < rows; n++) into[n * inputs + i] = dot(from, n * outputs);
  }
  return into;
}

/** The sums of the columns of rows. @param {Float64Array} rows @param {number} width */
function sumOfRows(rows, width) {
  const into = new Float64Array(width);
  for (let k = 0; k < rows.length; k++) into[k % width] += rows[k];
  return into;
}

/** The shape of a layer's output, or of its input, for all cases.
 * @param {AtLayer} at @param {"input_shape" | "output_shape"} which @returns {number[]} */
const shapeOfAll = (at, which) => [at.cases, ...at.layer[which]];

/** @type {Engine} */
const DENSE_ENGINE = {
  forward(at, x) {
    const W = at.array("W");
    const z = ndarray(shapeOfAll(at, "output_shape"));
    const [inputs, outputs] = W.shape;
    const rows = x.data.length / inputs;
    addMatrixProduct(x.data, [inputs, 1], [rows, inputs, outputs], W.data, z.data);
    if (at.layer.parameters.some((one) => one.name === "b")) {
      const b = at.array("b").data;
      for (let k = 0; k < z.data.length; k++) z.data[k] += b[k % b.length];
    }
    return throughPhi(at, z);
  },
  backward(at, J) {
    const W = at.array("W");
    const [inputs, outputs] = W.shape;
    const { data } = backThroughPhi(at, J);
    at.keep("W_grad", ndarray(W.shape, transposedProduct(at.x.data, data, data.length / outputs)));
    if (at.layer.parameters.some((one) => one.name === "b"))
      at.keep("b_grad", ndarray([outputs], sumOfRows(data, outputs)));
    const back = at.rightOrWrong("W_back", W);
    return ndarray(at.x.shape, productWithTransposed(data, back.data, inputs));
  },
};

/** @param {Float64Array} z @returns {Float64Array} */
function softmaxOf(z) {
  const most = z.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  const powers = z.map((one) => Math.exp(one - most));
  const total = powers.reduce((a, b) => a + b, 0);
  return powers.map((one) => one / total);
}

/** @type {Engine} */
const SOFTMAX_ENGINE = {
  forward(at, x) {
    const width = at.layer.output_shape.at(-1) ?? 1;
    const y = ndarray(x.shape);
    for (let k = 0; k < x.data.length; k += width)
      y.data.set(softmaxOf(x.data.subarray(k, k + width)), k);
    return y;
  },
  backward(at, J) {
    if (at.deltaOfLoss) return at.rightOrWrong("delta", at.deltaOfLoss);
    const width = at.layer.output_shape.at(-1) ?? 1;
    const { data } = at.array("out");
    const sent = ndarray(J.shape);
    for (let start = 0; start < data.length; start += width) {
      let mean = 0;
      for (let k = start; k < start + width; k++) mean += J.data[k] * data[k];
      for (let k = start; k < start + width; k++) sent.data[k] = data[k] * (J.data[k] - mean);
    }
    return sent;
  },
};

/** Give each class number in turn, with the place of its vector in an output (cases, …, size).
 * @param {AtLayer} at @param {(classNumber: number, start: number) => void} tell */
function eachVector(at, tell) {
  const size = at.array("E").shape[1];
  at.x.data.forEach((one, k) => {
    if (one >= 0) tell(Math.round(one), k * size);
  });
}

/** @type {Engine} */
const EMBEDDING_ENGINE = {
  forward(at) {
    const E = at.array("E");
    const size = E.shape[1];
    const out = ndarray(shapeOfAll(at, "output_shape"));
    eachVector(at, (c, start) => {
      out.data.set(E.data.subarray(c * size, (c + 1) * size), start);
    });
    return out;
  },
  backward(at, J) {
    const E = at.array("E");
    const size = E.shape[1];
    const into = ndarray(E.shape);
    eachVector(at, (c, start) => {
      for (let j = 0; j < size; j++) into.data[c * size + j] += J.data[start + j];
    });
    at.keep("E_grad", into);
    return ndarray(at.x.shape);
  },
};

/** @type {Engine} */
const FLATTEN_ENGINE = {
  forward: (at, x) => ndarray(shapeOfAll(at, "output_shape"), x.data),
  backward: (at, J) => ndarray(shapeOfAll(at, "input_shape"), J.data),
};

/** The product with the mask. @param {AtLayer} at @param {NdArray} array @returns {NdArray} */
function masked(at, { shape, data }) {
  const mask = at.array("mask").data;
  return ndarray(
    shape,
    data.map((one, k) => one * mask[k]),
  );
}

/** @type {Engine} */
const DROPOUT_ENGINE = {
  forward(at, x) {
    const found = at.givenArray("mask");
    at.keep("mask", found ?? ndarray(x.shape, new Float64Array(sizeOf(x.shape)).fill(1)));
    const out = masked(at, x);
    return x.shape.length === 3 ? overflowIsInf(out, at.padded) : out;
  },
  backward: masked,
};

/** @type {Engine} */
const ADD_ENGINE = {
  forward(at, x) {
    const out = ndarray(shapeOfAll(at, "output_shape"));
    const width = sizeOf(at.layer.output_shape);
    const terms = at.layer.sources.length;
    for (let n = 0; n < at.cases; n++) {
      for (let k = 0; k < width * terms; k++)
        out.data[n * width + (k % width)] += x.data[n * width * terms + k];
    }
    return out.shape.length === 3 ? overflowIsInf(out, at.padded) : out;
  },
  backward(at, J) {
    const width = sizeOf(at.layer.output_shape);
    const terms = at.layer.sources.length;
    const sent = ndarray([at.cases, width * terms]);
    for (let n = 0; n < at.cases; n++) {
      const row = J.data.subarray(n * width, (n + 1) * width);
      for (let term = 0; term < terms; term++) sent.data.set(row, (n * terms + term) * width);
    }
    return sent;
  },
};

/** For each number of a concatenation its place in the row of its sources, one behind the other.
 * @param {AtLayer} at @returns {number[]} */
function orderOf(at) {
  const shapes = at.layer.sources.map((name) => outputShapeOf(at.scene, name));
  const axis = shapes[0].length === 2 ? 1 : 0;
  const before = sizeOf(shapes[0].slice(0, axis));
  const blocks = shapes.map((shape) => sizeOf(shape.slice(axis)));
  const starts = shapes.map((_, k) => sizeOfAll(shapes.slice(0, k)));
  const order = [];
  for (let outer = 0; outer < before; outer++) {
    for (let k = 0; k < shapes.length; k++) {
      for (let j = 0; j < blocks[k]; j++) order.push(starts[k] + outer * blocks[k] + j);
    }
  }
  return order;
}

/** @param {number[][]} shapes @returns {number} */
const sizeOfAll = (shapes) => shapes.reduce((total, shape) => total + sizeOf(shape), 0);

/** @type {Engine} */
const CONCATENATE_ENGINE = {
  forward(at, x) {
    const order = orderOf(at);
    const out = ndarray(shapeOfAll(at, "output_shape"));
    out.data.forEach((_, k) => {
      const start = k - (k % order.length);
      out.data[k] = x.data[start + order[k % order.length]];
    });
    return out;
  },
  backward(at, J) {
    const order = orderOf(at);
    const sent = ndarray([at.cases, order.length]);
    J.data.forEach((one, k) => {
      sent.data[k - (k % order.length) + order[k % order.length]] = one;
    });
    return sent;
  },
};

/** @type {Record<string, Engine>} */
export const ROWS_ENGINES = {
  dense: DENSE_ENGINE,
  softmax: SOFTMAX_ENGINE,
  embedding: EMBEDDING_ENGINE,
  flatten: FLATTEN_ENGINE,
  dropout: DROPOUT_ENGINE,
  add: ADD_ENGINE,
  concatenate: CONCATENATE_ENGINE,
};
