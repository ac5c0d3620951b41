/** The cells of arrays as pixels, one a cell: made when numbers change, scaled whenever drawn. */

import { largestIn } from "../arrays.js";
import { inkOn } from "./colours.js";
import { cellsAcross, cellsDown } from "./forms.js";

/**
 * @typedef {import("../source.js").Levels} Levels
 * @typedef {import("./forms.js").Form} Form
 * @typedef {import("./colours.js").Palette} Palette
 * @typedef {Object} Bitmap
 * @property {HTMLCanvasElement} canvas
 * @property {[number, number]} patch how many cells are one pixel, across and down
 * @property {(level: number, veil: number) => string} ink the colour of text on a level
 * @property {(flat: number) => number} level of a cell
 * @property {unknown[]} madeFrom
 */

/** The level of a number of an array, from −127 to 127; −128 of what is no finite number.
 * @param {Levels} levels @returns {(flat: number) => number} */
export function levelIn({ data, scale, largest }) {
  if (data instanceof Int8Array) return (flat) => data[flat];
  const factor = largest > 0 ? 127 / largest : 0;
  return (flat) => {
    const x = data[flat] * scale;
    return Number.isFinite(x) ? Math.round(x * factor) : -128;
  };
}

/** Inputs in the user's own units.
 * @param {Levels} levels @param {import("../scene.js").Scaling} scaling of the inputs of a case
 * @returns {Levels} */
export function rescaled({ shape, data, scale }, { mean, scale: widths }) {
  const isRough = data instanceof Int8Array;
  const numbers = Float64Array.from(data, (one, k) => {
    const input = k % mean.length;
    return isRough && one === -128 ? Number.NaN : one * scale * widths[input] + mean[input];
  });
  return { shape, data: numbers, scale: 1, largest: largestIn(numbers) };
}

/** Where there is no cell, between tiles: a level that no number has. */
const GAP_LEVEL = -256;

/** The levels of the cells shown, in the order of the picture from left to right and down.
 *
 * The loops are plain, and each kind of array has its own: a pass of 300 000 numbers is drawn anew
 * for every edit.
 * @param {Form} form @param {{data: Levels["data"] | Float32Array, scale: number, largest: number}} levels
 * @returns {Int16Array} */
export function levelsShown(form, { data, scale, largest }) {
  const { down, across, rows, columns, gap, tiles, cells, columnStride } = form;
  const width = cellsAcross(form);
  const found = new Int16Array(width * cellsDown(form));
  if (gap || tiles < down * across || cells < rows * columns) found.fill(GAP_LEVEL);
  const factor = largest > 0 ? (scale * 127) / largest : 0;
  for (let tile = 0; tile < tiles; tile++) {
    const [d, a] = [Math.floor(tile / across), tile % across];
    const start = form.base + d * form.downStride + a * form.acrossStride;
    for (let row = 0; row < rows; row++) {
      const from = start + row * form.rowStride;
      const to = (d * (rows + gap) + row) * width + a * (columns + gap);
      const length = Math.min(columns, cells - row * columns);
      if (data instanceof Int8Array) gather(data, from, columnStride, found, to, length);
      else quantise(data, from, columnStride, found, to, length, factor);
    }
  }
  return found;
}

/** @param {Int8Array} data @param {number} from @param {number} stride @param {Int16Array} found
 * @param {number} to @param {number} length */
function gather(data, from, stride, found, to, length) {
  if (stride === 1) return found.set(data.subarray(from, from + length), to);
  for (let k = 0; k < length; k++, from += stride) found[to + k] = data[from];
}

/** @param {Float64Array | Float32Array} data @param {number} from @param {number} stride
 * @param {Int16Array} found @param {number} to @param {number} length @param {number} factor */
function quantise(data, from, stride, found, to, length, factor) {
  for (let k = 0; k < length; k++, from += stride) {
    const x = data[from] * factor;
    found[to + k] = x >= 0 && x < 128 ? x + 0.5 : x < 0 && x > -128 ? x - 0.5 : -128;
  }
}

/** A colour for each level from −256 to 127: nothing in gaps, grey where the scale is that of an
 * image, from its smallest number to its largest.
 * @param {Int16Array} levels @param {Palette} palette @param {"signed" | "grey"} scale
 * @returns {Uint32Array} */
function colourTable(levels, { missing, signed, grey }, scale) {
  const table = new Uint32Array(384);
  let [low, high] = [127, -127];
  for (const one of levels) {
    if (one < -127) continue;
    if (one < low) low = one;
    if (one > high) high = one;
  }
  const span = high - low || 1;
  for (let level = -127; level <= 127; level++) {
    const bright = Math.round(((level - low) / span) * 254);
    table[level + 256] = scale === "grey" ? grey[bright] : signed[level + 127];
  }
  table[-128 + 256] = missing;
  return table;
}

/** A canvas of a size, filled by pixels.
 * @param {number} width @param {number} height @param {(pixels: Uint32Array) => void} fill
 * @param {HTMLCanvasElement} [canvas] one to use again
 * @returns {HTMLCanvasElement} */
export function filledCanvas(width, height, fill, canvas = document.createElement("canvas")) {
  if (canvas.width !== width) canvas.width = width;
  if (canvas.height !== height) canvas.height = height;
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  const image = context.createImageData(width, height);
  fill(new Uint32Array(image.data.buffer));
  context.putImageData(image, 0, 0);
  return canvas;
}

/** The pixels of an array, one a cell; of an array of more cells than pixels one for a patch of them.
 * @param {Form} form @param {Int16Array} levels as `levelsShown` gives them
 * @param {Palette} palette @param {"signed" | "grey"} scale @param {[number, number]} patch
 * @param {HTMLCanvasElement} [canvas] one to use again
 * @returns {Pick<Bitmap, "canvas" | "ink">} */
export function bitmapOf(form, levels, palette, scale, patch, canvas) {
  const [across, down] = [cellsAcross(form), cellsDown(form)];
  const inPatches = scale === "signed" && Math.max(...patch) > 1;
  const [wide, high] = inPatches ? patch : [1, 1];
  const [width, height] = [Math.ceil(across / wide), Math.ceil(down / high)];
  const shown = inPatches ? patches(levels, across, patch, width, height) : levels;
  const table = colourTable(shown, palette, scale);
  const fill = (/** @type {Uint32Array} */ pixels) => {
    for (let at = 0; at < shown.length; at++) pixels[at] = table[shown[at] + 256];
  };
  /** @type {Bitmap["ink"]} */
  const ink = (level, veil) => inkOn(table[level + 256], palette.groundPixel, veil);
  return { canvas: filledCanvas(width, height, fill, canvas), ink };
}

/** The levels of patches of cells: each as strong as its cells are on the average (the root of their
 * mean square), with the sign of their sum, so that neither noise nor a lonely number vanishes.
 * @param {Int16Array} levels @param {number} across cells in a row of them
 * @param {[number, number]} patch @param {number} width @param {number} height of the result
 * @returns {Int16Array} */
function patches(levels, across, [wide, high], width, height) {
  const sums = new Float64Array(width * height); // −∞ where there is no number
  const squares = new Int32Array(width * height);
  const counts = new Int32Array(width * height);
  for (let start = 0, y = 0; start < levels.length; start += across, y++) {
    let at = Math.floor(y / high) * width;
    for (let x = 0, left = wide; x < across; x++) {
      const one = levels[start + x];
      if (one > -128) {
        sums[at] += one;
        squares[at] += one * one;
        counts[at]++;
      } else if (one === -128) sums[at] = Number.NEGATIVE_INFINITY;
      if (--left === 0) {
        at++;
        left = wide;
      }
    }
  }
  const found = new Int16Array(width * height);
  for (let at = 0; at < found.length; at++) {
    const size = counts[at] ? Math.round(Math.sqrt(squares[at] / counts[at])) : 0;
    if (sums[at] === Number.NEGATIVE_INFINITY) found[at] = -128;
    else if (!counts[at]) found[at] = GAP_LEVEL;
    else found[at] = sums[at] < 0 ? -size : size;
  }
  return found;
}

/** An input of three channels as one sees it: red, green and blue together.
 * @param {Form} form of three tiles @param {Levels} levels @returns {HTMLCanvasElement} */
export function colourImage(form, levels) {
  const { rows, columns } = form;
  const shown = levelsShown(form, levels);
  let [low, high] = [127, -127];
  for (const one of shown)
    if (one >= -127) [low, high] = [Math.min(low, one), Math.max(high, one)];
  const bright = (
    /** @type {number} */ channel,
    /** @type {number} */ row,
    /** @type {number} */ column,
  ) => {
    const left = (channel % form.across) * (columns + form.gap) + column;
    const top = Math.floor(channel / form.across) * (rows + form.gap) + row;
    return Math.round(((shown[top * cellsAcross(form) + left] - low) / (high - low || 1)) * 255);
  };
  return filledCanvas(columns, rows, (pixels) => {
    for (let at = 0; at < pixels.length; at++) {
      const [row, column] = [Math.floor(at / columns), at % columns];
      const [red, green, blue] = [0, 1, 2].map((channel) => bright(channel, row, column));
      pixels[at] = ((255 << 24) | (blue << 16) | (green << 8) | red) >>> 0;
    }
  });
}
