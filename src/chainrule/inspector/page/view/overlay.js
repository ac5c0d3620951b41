/** What lies over the blocks: the light of a chosen cell, and frames around cells and cases. */

import { flatIndex } from "../arrays.js";
import { filledCanvas, levelsShown } from "./bitmaps.js";
import { onScreen } from "./camera.js";
import { cellsAcross, cellsDown, spotOf } from "./forms.js";

/**
 * @typedef {import("./layout.js").Block} Block
 * @typedef {import("./drawing.js").Drawn} Drawn
 * @typedef {import("./camera.js").Box} Box
 * @typedef {{veil: HTMLCanvasElement, boxes: Box[], light: Float32Array}} Cover  over a block in
 *   which cells are lit
 */

/** How much of what is not lit is covered. */
export const VEIL = 0.66;

/** How much of a cell is covered. @param {number} light of it, from 0 to 1 */
export const veilOver = (light) => VEIL * (1 - Math.sqrt(light));

/** A veil over the cells of a block that are not lit, thinner over those that are lit weakly.
 * @param {Block} block @param {Float32Array} light @param {number} ground a pixel
 * @param {HTMLCanvasElement} [canvas] one to use again
 * @returns {Cover} */
export function coverOf({ form }, light, ground, canvas) {
  const shown = levelsShown(form, { data: light, scale: 1, largest: 1 });
  const table = Uint32Array.from({ length: 128 }, (_, level) => {
    const alpha = Math.round(255 * veilOver(level / 127));
    return (ground & 0xffffff) | (alpha << 24);
  });
  const fill = (/** @type {Uint32Array} */ pixels) => {
    for (let at = 0; at < shown.length; at++) pixels[at] = table[shown[at]]; // 0 of what is no cell
  };
  const veil = filledCanvas(cellsAcross(form), cellsDown(form), fill, canvas);
  return { veil, boxes: litBoxes(form, shown), light };
}

/** The boxes of the lit cells in images and filters, one a tile, where they are not the whole tile:
 * the window that a filter looks at, or what a pixel reaches. In cells of the form.
 * @param {import("./forms.js").Form} form @param {Int16Array} shown how much each cell is lit
 * @returns {Box[]} */
export function litBoxes(form, shown) {
  if (form.kind !== "tiles") return [];
  /** @type {Map<string, {left: number, top: number, right: number, bottom: number}>} */
  const found = new Map();
  const [wide, high] = [form.columns + form.gap, form.rows + form.gap];
  const width = cellsAcross(form);
  shown.forEach((level, at) => {
    if (level <= 0) return;
    const [x, y] = [at % width, Math.floor(at / width)];
    const tile = `${Math.floor(x / wide)} ${Math.floor(y / high)}`;
    const known = found.get(tile) ?? { left: x, top: y, right: x, bottom: y };
    known.left = Math.min(known.left, x);
    known.right = Math.max(known.right, x);
    known.bottom = y;
    found.set(tile, known);
  });
  return [...found.values()].flatMap(({ left, top, right, bottom }) => {
    const [width, height] = [right - left + 1, bottom - top + 1];
    const isWhole = width === form.columns && height === form.rows;
    return isWhole ? [] : [{ x: left, y: top, width, height }];
  });
}

/** Cover what is not lit in a block, and frame what is.
 * @param {Drawn} drawn @param {Block} block @param {Box} box on the screen @param {Cover} cover */
export function drawCover({ context, camera, palette }, block, box, { veil, boxes }) {
  context.imageSmoothingEnabled = false;
  context.drawImage(veil, box.x, box.y, box.width, box.height);
  context.strokeStyle = palette.accent;
  context.lineWidth = 1.5;
  const [wide, high] = [block.cellWidth * camera.scale, block.cellHeight * camera.scale];
  for (const { x, y, width, height } of boxes) {
    const [left, top] = [box.x + x * wide, box.y + y * high];
    context.strokeRect(left - 0.75, top - 0.75, width * wide + 1.5, height * high + 1.5);
  }
  context.lineWidth = 1;
  context.strokeRect(box.x - 2.5, box.y - 2.5, box.width + 5, box.height + 5);
}

/** Where a cell lies in the picture; null where it is not shown.
 * @param {Block} block @param {number[]} at
 * @returns {Box | null} */
export function cellBox(block, at) {
  const { form, cellWidth, cellHeight } = block;
  if (at.length !== form.shape.length) return null;
  const spot = spotOf(form, flatIndex(form.shape, at));
  if (!spot) return null;
  return {
    x: block.x + (spot.across * (form.columns + form.gap) + spot.column) * cellWidth,
    y: block.y + (spot.down * (form.rows + form.gap) + spot.row) * cellHeight,
    width: cellWidth,
    height: cellHeight,
  };
}

/** A frame around a cell; one too small to be seen also gets a ring around it.
 * @param {Drawn} drawn @param {Block} block @param {number[]} at @param {string} colour
 * @param {number} thickness */
export function frameCell({ context, camera, palette }, block, at, colour, thickness) {
  const found = cellBox(block, at);
  if (!found) return;
  const box = onScreen(camera, found);
  const grow = Math.max(0, (7 - Math.min(box.width, box.height)) / 2);
  const [x, y] = [box.x - grow, box.y - grow];
  const [width, height] = [box.width + 2 * grow, box.height + 2 * grow];
  context.strokeStyle = palette.ground;
  context.lineWidth = thickness + 2;
  context.strokeRect(x - 1, y - 1, width + 1, height + 1);
  context.strokeStyle = colour;
  context.lineWidth = thickness;
  context.strokeRect(x - 1, y - 1, width + 1, height + 1);
}

/** A bracket beside the row, or around the tile, of the case that is looked at.
 * @param {Drawn} drawn @param {Block} block @param {number} case_ */
export function markCase({ context, camera, palette }, block, case_) {
  const { form, cellWidth, cellHeight } = block;
  if (!form.cases || form.shape[0] < 2) return;
  context.strokeStyle = palette.accent;
  context.fillStyle = palette.accent;
  if (form.cases === "tile") {
    const [across, down] = [case_ % form.across, Math.floor(case_ / form.across)];
    const box = onScreen(camera, {
      x: block.x + across * (form.columns + 1) * cellWidth,
      y: block.y + down * (form.rows + 1) * cellHeight,
      width: form.columns * cellWidth,
      height: form.rows * cellHeight,
    });
    context.lineWidth = 2;
    context.strokeRect(box.x - 1, box.y - 1, box.width + 2, box.height + 2);
    return;
  }
  const y = block.y + case_ * cellHeight;
  const box = onScreen(camera, { x: block.x, y, width: block.width, height: cellHeight });
  const high = Math.max(2, box.height);
  context.fillRect(box.x - 5, box.y + (box.height - high) / 2, 3, high);
}
