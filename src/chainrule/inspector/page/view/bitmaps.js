/** The cells of arrays as pixels, one a cell: made when numbers change, scaled whenever drawn. */

import { cellsAcross, cellsDown, flatAt } from "./forms.js";

/**
 * @typedef {import("../source.js").Levels} Levels
 * @typedef {import("./forms.js").Form} Form
 * @typedef {import("./colours.js").Palette} Palette
 * @typedef {Object} Bitmap
 * @property {HTMLCanvasElement} canvas
 * @property {[number, number]} patch how many cells are one pixel, across and down
 * @property {(flat: number) => string} ink the colour of text on a cell
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
  const largest = numbers.reduce((most, one) => Math.max(most, Math.abs(one) || 0), 0);
  return { shape, data: numbers, scale: 1, largest };
}

/** How the numbers of a grey or coloured image become brightness: the smallest black, the largest
 * white.
 * @param {Form} form @param {(flat: number) => number} level @returns {(level: number) => number} */
function brightness(form, level) {
  let [low, high] = [127, -127];
  eachCell(form, (flat) => {
    const one = level(flat);
    if (one === -128) return;
    if (one < low) low = one;
    if (one > high) high = one;
  });
  const span = high - low || 1;
  return (one) => Math.round(((one - low) / span) * 254);
}

/** Call with the flat index of every cell shown, and with its place in the picture in cells.
 * @param {Form} form @param {(flat: number, x: number, y: number) => void} visit */
export function eachCell(form, visit) {
  const { down, across, rows, columns, gap, tiles, cells } = form;
  for (let d = 0; d < down; d++) {
    for (let a = 0; a < across && d * across + a < tiles; a++) {
      const start = form.base + d * form.downStride + a * form.acrossStride;
      const [left, top] = [a * (columns + gap), d * (rows + gap)];
      for (let row = 0; row < rows; row++) {
        const length = Math.min(columns, cells - row * columns);
        let flat = start + row * form.rowStride;
        for (let column = 0; column < length; column++, flat += form.columnStride)
          visit(flat, left + column, top + row);
      }
    }
  }
}

/** A canvas of a size, filled by pixels.
 * @param {number} width @param {number} height @param {(pixels: Uint32Array) => void} fill
 * @returns {HTMLCanvasElement} */
export function filledCanvas(width, height, fill) {
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height;
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  const image = context.createImageData(width, height);
  fill(new Uint32Array(image.data.buffer));
  context.putImageData(image, 0, 0);
  return canvas;
}

/** The colour of text on each cell of an array.
 * @param {Form} form @param {(flat: number) => number} level @param {Palette} palette
 * @param {"signed" | "grey"} scale @returns {(flat: number) => string} */
export function inkIn(form, level, palette, scale) {
  if (scale === "signed") return (flat) => palette.inkOn(level(flat));
  const bright = brightness(form, level);
  return (flat) => inkOnGrey(bright(level(flat)));
}

/** The colour of text on grey of a brightness from 0 to 254.
 * @param {number} bright @returns {string} */
export const inkOnGrey = (bright) => (bright > 140 ? "#1d1f21" : "#ffffff");

/** The pixels of an array, one a cell; of an array of more cells than pixels one for a patch of them.
 * @param {Form} form @param {(flat: number) => number} level @param {Palette} palette
 * @param {"signed" | "grey"} scale @param {[number, number]} patch
 * @returns {HTMLCanvasElement} */
export function bitmapOf(form, level, palette, scale, patch) {
  const { missing, signed, grey } = palette;
  const [width, height] = [cellsAcross(form), cellsDown(form)];
  if (scale === "signed" && Math.max(...patch) > 1) return patches(form, level, palette, patch);
  const bright = scale === "grey" ? brightness(form, level) : null;
  const colour = bright
    ? (/** @type {number} */ one) => grey[bright(one)]
    : (/** @type {number} */ one) => signed[one + 127];
  return filledCanvas(width, height, (pixels) => {
    eachCell(form, (flat, x, y) => {
      const one = level(flat);
      pixels[y * width + x] = one === -128 ? missing : colour(one);
    });
  });
}

/** Patches of cells: each as strong as its cells are on the average (the root of their mean square),
 * with the sign of their sum, so that neither noise nor a lonely number vanishes.
 * @param {Form} form @param {(flat: number) => number} level @param {Palette} palette
 * @param {[number, number]} patch @returns {HTMLCanvasElement} */
function patches(form, level, { missing, signed }, [wide, high]) {
  const width = Math.ceil(cellsAcross(form) / wide);
  const height = Math.ceil(cellsDown(form) / high);
  const sums = new Float64Array(width * height);
  const squares = new Float64Array(width * height);
  const counts = new Uint32Array(width * height);
  eachCell(form, (flat, x, y) => {
    const at = Math.floor(y / high) * width + Math.floor(x / wide);
    const one = level(flat);
    sums[at] += one === -128 ? Number.NaN : one;
    squares[at] += one * one;
    counts[at]++;
  });
  return filledCanvas(width, height, (pixels) => {
    for (let at = 0; at < counts.length; at++) {
      if (!counts[at]) continue;
      const size = Math.round(Math.sqrt(squares[at] / counts[at]));
      const one = sums[at] < 0 ? -size : size;
      pixels[at] = Number.isNaN(sums[at]) ? missing : signed[one + 127];
    }
  });
}

/** An input of three channels as one sees it: red, green and blue together.
 * @param {Form} form of three tiles @param {Levels} levels @returns {HTMLCanvasElement} */
export function colourImage(form, levels) {
  const { rows, columns } = form;
  const canvas = document.createElement("canvas");
  canvas.width = columns;
  canvas.height = rows;
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  const image = context.createImageData(columns, rows);
  const level = levelIn(levels);
  const bright = brightness(form, level);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const at = (row * columns + column) * 4;
      for (let channel = 0; channel < 3; channel++) {
        const spot = { down: 0, across: channel, row, column };
        image.data[at + channel] = bright(level(flatAt(form, spot)));
      }
      image.data[at + 3] = 255;
    }
  }
  context.putImageData(image, 0, 0);
  return canvas;
}
