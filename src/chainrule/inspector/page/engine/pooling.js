/** The engines of pooling: the largest or the mean of each window, or of a whole channel. */

import { ndarray } from "../arrays.js";
import { lineUnder, windowsOf } from "../windows.js";

/**
 * @typedef {import("../arrays.js").NdArray} NdArray
 * @typedef {import("./at.js").AtLayer} AtLayer
 * @typedef {import("./at.js").Engine} Engine
 */

/** Windows on the images of one channel.
 * @typedef {Object} Pooling
 * @property {Int32Array} pixels of each window in turn, its positions row by row: the flat pixel of
 *   the channel; −1 where it is padding
 * @property {number} size how many positions a window has, padding included
 * @property {number} places how many windows there are
 * @property {number} area how many pixels a channel has */

/** @param {AtLayer} at @returns {Pooling} */
function poolingOf(at) {
  const [down, across] = windowsOf(at.layer);
  const size = down.size * across.size;
  const places = down.places * across.places;
  const pixels = new Int32Array(places * size).fill(-1);
  for (let k = 0; k < pixels.length; k++) {
    const [place, position] = [Math.floor(k / size), k % size];
    const y = lineUnder(
      down,
      Math.floor(place / across.places),
      Math.floor(position / across.size),
    );
    const x = lineUnder(across, place % across.places, position % across.size);
    if (y >= 0 && y < down.length && x >= 0 && x < across.length)
      pixels[k] = y * across.length + x;
  }
  return { pixels, size, places, area: down.length * across.length };
}

/** @type {Engine} */
const MAX_POOL_ENGINE = {
  forward(at, { data }) {
    const { pixels, size, places, area } = poolingOf(at);
    const y = ndarray([at.cases, ...at.layer.output_shape]);
    const winners = ndarray(y.shape);
    for (let output = 0; output < y.data.length; output++) {
      const start = (output % places) * size;
      const channel = Math.floor(output / places) * area;
      let best = 0;
      let winner = -1;
      for (let k = 0; k < size; k++) {
        if (pixels[start + k] < 0) continue;
        const one = data[channel + pixels[start + k]];
        if (winner >= 0 && one <= best) continue;
        if (winner >= 0 && Number.isNaN(best) && !Number.isNaN(one)) continue;
        best = one;
        winner = k;
      }
      y.data[output] = best;
      winners.data[output] = winner;
    }
    at.keep("winners", winners);
    return y;
  },
  backward(at, J) {
    const { pixels, size, places, area } = poolingOf(at);
    const sent = ndarray(at.x.shape);
    const winners = at.array("winners").data;
    for (let output = 0; output < J.data.length; output++) {
      const pixel = pixels[(output % places) * size + winners[output]];
      sent.data[Math.floor(output / places) * area + pixel] += J.data[output];
    }
    return sent;
  },
};

/** @type {Engine} */
const AVERAGE_POOL_ENGINE = {
  forward(at, { data }) {
    const { pixels, size, places, area } = poolingOf(at);
    const y = ndarray([at.cases, ...at.layer.output_shape]);
    for (let output = 0; output < y.data.length; output++) {
      const start = (output % places) * size;
      const channel = Math.floor(output / places) * area;
      let total = 0;
      for (let k = 0; k < size; k++)
        if (pixels[start + k] >= 0) total += data[channel + pixels[start + k]];
      y.data[output] = total / size;
    }
    return y;
  },
  backward(at, J) {
    const { pixels, size, places, area } = poolingOf(at);
    const sent = ndarray(at.x.shape);
    for (let output = 0; output < J.data.length; output++) {
      const start = (output % places) * size;
      const channel = Math.floor(output / places) * area;
      const share = J.data[output] / size;
      for (let k = 0; k < size; k++)
        if (pixels[start + k] >= 0) sent.data[channel + pixels[start + k]] += share;
    }
    return sent;
  },
};

/** @type {Engine} */
const CHANNEL_MEAN_ENGINE = {
  forward(at, { data }) {
    const y = ndarray([at.cases, ...at.layer.output_shape]);
    const places = data.length / y.data.length;
    for (let k = 0; k < data.length; k++) y.data[Math.floor(k / places)] += data[k] / places;
    return y;
  },
  backward(at, J) {
    const sent = ndarray(at.x.shape);
    const places = sent.data.length / J.data.length;
    sent.data.forEach((_, k) => {
      sent.data[k] = J.data[Math.floor(k / places)] / places;
    });
    return sent;
  },
};

/** @type {Record<string, Engine>} */
export const POOL_ENGINES = {
  max_pool2d: MAX_POOL_ENGINE,
  average_pool2d: AVERAGE_POOL_ENGINE,
  global_average_pool2d: CHANNEL_MEAN_ENGINE,
};
