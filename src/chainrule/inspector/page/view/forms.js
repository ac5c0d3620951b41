/**
 * How an array lies in the picture: which axes run down and across, and in which tiles.
 *
 * A form is a grid of tiles (feature maps, filters, cases as images), each a grid of cells. Every
 * one of the four directions has a length and a stride in the flat array, so that a cell's number is
 * `base + down · tileDown + across · tileAcross + row · rowStride + column · columnStride`.
 *
 * @typedef {import("../scene.js").ArrayInfo} ArrayInfo
 * @typedef {import("../arrays.js").Place} Place
 *
 * @typedef {Object} Form
 * @property {number[]} shape of the whole array
 * @property {number} base the flat index of the first cell shown
 * @property {number} rows of a tile
 * @property {number} columns of a tile
 * @property {number} rowStride
 * @property {number} columnStride
 * @property {number} down tiles below each other
 * @property {number} across tiles beside each other
 * @property {number} downStride
 * @property {number} acrossStride
 * @property {number} tiles how many there are; the last row of tiles may be shorter
 * @property {number} cells in a tile; the last row of a wrapped vector may be shorter
 * @property {number} gap between tiles, in cells
 * @property {"matrix" | "wrapped" | "tiles" | "steps"} kind
 * @property {"row" | "tile" | null} cases what one case is, where all of them are shown
 *
 * @typedef {{width: number, height: number}} Room
 * @typedef {{down: number, across: number, row: number, column: number}} Spot
 */

import { sizeOf } from "../arrays.js";

/** Beyond so many numbers a vector of one case is wrapped into several rows. */
const LONGEST_ROW = 160;

/** The strides of a row-major array.
 * @param {number[]} shape @returns {number[]} */
function stridesOf(shape) {
  const strides = shape.map(() => 1);
  for (let axis = shape.length - 2; axis >= 0; axis--)
    strides[axis] = strides[axis + 1] * shape[axis + 1];
  return strides;
}

/** A form of one tile; the rest is laid over it.
 * @param {number[]} shape @param {Partial<Form>} parts @returns {Form} */
function formOf(shape, parts) {
  const { rows = 1, columns = 1, down = 1, across = 1 } = parts;
  return {
    shape,
    base: 0,
    rows,
    columns,
    rowStride: 0,
    columnStride: 1,
    down,
    across,
    downStride: 0,
    acrossStride: 0,
    tiles: down * across,
    cells: rows * columns,
    gap: 0,
    kind: "matrix",
    cases: null,
    ...parts,
  };
}

/** A vector in one row, or wrapped into several of about twice as many columns as rows.
 * @param {number[]} shape @param {number} base @param {number} length @returns {Form} */
function vectorForm(shape, base, length) {
  if (length <= LONGEST_ROW) return formOf(shape, { base, columns: length });
  const columns = Math.ceil(Math.sqrt(length * 2) / 4) * 4;
  const rows = Math.ceil(length / columns);
  return formOf(shape, {
    base,
    rows,
    columns,
    rowStride: columns,
    cells: length,
    kind: "wrapped",
  });
}

/** How many tiles stand beside each other so that they are drawn as large as the room allows.
 * @param {number} tiles @param {number} rows @param {number} columns @param {Room} room */
function tilesAcross(tiles, rows, columns, room) {
  let [best, largest] = [1, 0];
  for (let across = 1; across <= tiles; across++) {
    const down = Math.ceil(tiles / across);
    const wide = room.width / (across * (columns + 1) - 1);
    const size = Math.min(wide, room.height / (down * (rows + 1) - 1));
    // A grid without a gap at its end is worth a little.
    const worth = size * (tiles % across ? 0.9 : 1);
    if (worth > largest) [best, largest] = [across, worth];
  }
  return best;
}

/** Tiles of the last two axes, counted along one stride and wrapped into a grid.
 * @param {number[]} shape @param {number} base @param {number} tiles @param {Room} room
 * @returns {Form} */
function tiledForm(shape, base, tiles, room) {
  const [rows, columns] = shape.slice(-2);
  const across = tilesAcross(tiles, rows, columns, room);
  return formOf(shape, {
    base,
    rows,
    columns,
    rowStride: columns,
    across,
    down: Math.ceil(tiles / across),
    downStride: across * rows * columns,
    acrossStride: rows * columns,
    tiles,
    gap: 1,
    kind: "tiles",
  });
}

/** Filters: a column of tiles for each filter, a row for each channel.
 * @param {number[]} shape @param {Room} room @returns {Form} */
function filterForm(shape, room) {
  const [filters, channels, rows, columns] = shape;
  if (channels === 1) return tiledForm(shape, 0, filters, room);
  const size = rows * columns;
  return formOf(shape, {
    rows,
    columns,
    rowStride: columns,
    across: filters,
    down: channels,
    downStride: size,
    acrossStride: channels * size,
    gap: 1,
    kind: "tiles",
  });
}

/** The form of an array that has no cases.
 * @param {number[]} shape @param {Room} room @returns {Form} */
function plainForm(shape, room) {
  if (shape.length === 0) return formOf(shape, {});
  if (shape.length === 1) return vectorForm(shape, 0, shape[0]);
  const [rows, columns] = shape.slice(-2);
  if (shape.length === 2) return formOf(shape, { rows, columns, rowStride: columns });
  if (shape.length === 4) return filterForm(shape, room);
  const tiles = sizeOf(shape.slice(0, -2));
  return tiledForm(shape, 0, tiles, room);
}

/** Rows of numbers that are images: each case as a tile.
 * @param {number[]} shape @param {number[]} image height and width @param {Room} room
 * @returns {Form} */
function imagesForm(shape, image, room) {
  const [rows, columns] = image;
  return { ...tiledForm([shape[0], rows, columns], 0, shape[0], room), shape, cases: "tile" };
}

/** The form of an array whose first axis counts the cases: all of them as rows where a case is a
 * row, else the one that is looked at.
 * @param {number[]} shape @param {number} chosenCase @param {number[] | null} image
 * @param {Room} room @returns {Form} */
function formOfCases(shape, chosenCase, image, room) {
  const [cases, ...one] = shape;
  const strides = stridesOf(shape);
  const base = chosenCase * strides[0];
  if (one.length === 0) return formOf(shape, { rows: cases, rowStride: 1, cases: "row" });
  if (image) return imagesForm(shape, image, room);
  if (one.length === 1 && cases === 1) return vectorForm(shape, 0, one[0]);
  if (one.length === 1)
    return formOf(shape, {
      rows: cases,
      columns: one[0],
      rowStride: strides[0],
      cases: "row",
    });
  if (one.length === 2) {
    const [steps, size] = one;
    const turned = { rows: size, rowStride: 1, columns: steps, columnStride: size };
    return formOf(shape, { base, ...turned, kind: "steps" });
  }
  const tiles = sizeOf(one.slice(0, -2));
  return tiledForm(shape, base, tiles, room);
}

/** How an array lies in the picture.
 * @param {ArrayInfo} info @param {number} chosenCase its index on the first axis
 * @param {number[] | null} image height and width where the cases of this array are images in rows
 * @param {Room} room @returns {Form} */
export function formFor(info, chosenCase, image, room) {
  if (!info.cases) return plainForm(info.shape, room);
  return formOfCases(info.shape, Math.min(chosenCase, info.shape[0] - 1), image, room);
}

/** The flat index of a cell; −1 where there is none.
 * @param {Form} form @param {Spot} spot @returns {number} */
export function flatAt(form, { down, across, row, column }) {
  if (down * form.across + across >= form.tiles || row * form.columns + column >= form.cells)
    return -1;
  return (
    form.base +
    down * form.downStride +
    across * form.acrossStride +
    row * form.rowStride +
    column * form.columnStride
  );
}

/** Where the number of a flat index lies; null where it is not shown, such as of another case.
 * @param {Form} form @param {number} flat @returns {Spot | null} */
export function spotOf(form, flat) {
  let rest = flat - form.base;
  if (rest < 0) return null;
  /** @type {Spot} */
  const spot = { down: 0, across: 0, row: 0, column: 0 };
  /** @type {[keyof Spot, number, number][]} */
  const axes = [
    ["down", form.downStride, form.down],
    ["across", form.acrossStride, form.across],
    ["row", form.rowStride, form.rows],
    ["column", form.columnStride, form.columns],
  ];
  for (const [name, stride, length] of axes.sort((a, b) => b[1] - a[1])) {
    if (length === 1 || stride === 0) continue;
    spot[name] = Math.floor(rest / stride);
    if (spot[name] >= length) return null;
    rest -= spot[name] * stride;
  }
  return rest === 0 && flatAt(form, spot) === flat ? spot : null;
}

/** The cells of a form from left to right, tiles and the gaps between them included.
 * @param {Form} form @returns {number} */
export const cellsAcross = (form) => form.across * (form.columns + form.gap) - form.gap;

/** The cells of a form from top to bottom.
 * @param {Form} form @returns {number} */
export const cellsDown = (form) => form.down * (form.rows + form.gap) - form.gap;

/** The place of a spot among all cells from left to right and down, gaps included.
 * @param {Form} form @param {Spot} spot @returns {number} */
export function cellPlace(form, { down, across, row, column }) {
  const top = down * (form.rows + form.gap) + row;
  return top * cellsAcross(form) + across * (form.columns + form.gap) + column;
}
