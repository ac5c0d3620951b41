/** The cells of arrays as pixels, one a cell: made when numbers change, scaled whenever drawn. */

import { flatIndex } from "../arrays.js";
import { flatAt } from "./forms.js";

/**
 * @typedef {import("../source.js").Levels} Levels
 * @typedef {import("./forms.js").Form} Form
 * @typedef {import("./colours.js").Palette} Palette
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

/** The pixels of an array.
 * @param {import("./layout.js").Block} block @param {Levels} levels @param {Palette} palette
 * @param {"signed" | "grey"} scale @param {import("../arrays.js").Place[]} hidden cells whose
 *   numbers are not to be seen
 * @returns {HTMLCanvasElement} */
export function bitmapOf({ form }, levels, palette, scale, hidden) {
  const width = form.across * (form.columns + form.gap) - form.gap;
  const height = form.down * (form.rows + form.gap) - form.gap;
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height;
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  const image = context.createImageData(width, height);
  const pixels = new Uint32Array(image.data.buffer);
  const known = levelIn(levels);
  const secret = new Set(hidden.map((at) => flatIndex(form.shape, at)));
  const level = secret.size ? (/** @type {number} */ k) => (secret.has(k) ? 0 : known(k)) : known;
  const { missing, signed, grey } = palette;
  if (scale === "grey") {
    const bright = brightness(form, level);
    eachCell(form, (flat, x, y) => {
      const one = level(flat);
      pixels[y * width + x] = one === -128 ? missing : grey[bright(one)];
    });
  } else {
    eachCell(form, (flat, x, y) => {
      const one = level(flat);
      pixels[y * width + x] = one === -128 ? missing : signed[one + 127];
    });
  }
  context.putImageData(image, 0, 0);
  return canvas;
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
