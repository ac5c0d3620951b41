/** What was, over what is: ghosts of changed numbers, wrong numbers, and paths of a weight. */

import { clamped, placeOf } from "../arrays.js";
import { onScreen } from "./camera.js";
import { forSeen, shortNumber } from "./drawing.js";
import { flatAt } from "./forms.js";
import { cellBox } from "./overlay.js";

/**
 * @typedef {import("../source.js").Pass} Pass
 * @typedef {import("../source.js").Levels} Levels
 * @typedef {import("./layout.js").Block} Block
 * @typedef {import("./drawing.js").Drawn} Drawn
 * @typedef {import("../store.js").Trail} Trail
 */

/** Cells from this size on have room for a ghost. */
const ROOM_FOR_GHOST = 8;
/** Cells from this height on also for the number that was. */
const ROOM_FOR_NUMBER = 44;

/** How the numbers of an array differ from those of another pass; null where it has no array of that
 * shape there.
 * @param {Levels} now @param {Pass} other @param {Block} block
 * @returns {{differs: (flat: number) => boolean, was: (flat: number) => number} | null} was: a level
 *   of the scale of now */
function compared(now, other, { info }) {
  const there = other.scene.arrays.find(({ key }) => key === info.key);
  if (!there || String(there.shape) !== String(info.shape)) return null;
  const then = other.levels(info.key);
  const rough = (/** @type {Levels} */ one) => (one.data instanceof Int8Array ? one.scale : 0);
  const tolerance = 0.75 * (rough(now) + rough(then)) + 1e-12 * now.largest;
  const factor = now.largest > 0 ? 127 / now.largest : 0;
  return {
    differs: (flat) => {
      const apart = Math.abs(now.data[flat] * now.scale - then.data[flat] * then.scale);
      return apart > tolerance || Number.isNaN(now.data[flat]) !== Number.isNaN(then.data[flat]);
    },
    was: (flat) => {
      const level = Math.round(then.data[flat] * then.scale * factor);
      return clamped(level || 0, -127, 127);
    },
  };
}

/** A pixel as the canvas spells colours. @param {number} pixel @returns {string} */
const pixelColour = (pixel) => `rgb(${pixel & 255} ${(pixel >> 8) & 255} ${(pixel >> 16) & 255})`;

/** At the foot of each changed cell the colour that its number had before; where there is room, also
 * that number.
 * @param {Drawn} drawn @param {Block} block @param {Pass} before */
export function drawGhosts(drawn, block, before) {
  const { context, camera, palette, screen, levels } = drawn;
  const [width, height] = [block.cellWidth * camera.scale, block.cellHeight * camera.scale];
  if (Math.min(width, height) < ROOM_FOR_GHOST) return;
  const change = compared(levels(block.info.key), before, block);
  if (!change) return;
  const high = height < ROOM_FOR_NUMBER ? Math.max(1, height * 0.2 - 1.5) : height * 0.3;
  context.font = `${high * 0.75}px system-ui, sans-serif`;
  context.textAlign = "center";
  context.textBaseline = "middle";
  forSeen(block, onScreen(camera, block), { width, height }, screen, (spot, x, y) => {
    const flat = flatAt(block.form, spot);
    if (flat < 0 || !change.differs(flat)) return;
    const level = change.was(flat);
    const top = y + height - high - 1;
    context.fillStyle = palette.ground;
    if (high > 1) context.fillRect(x, top - 1, width - 1, 1);
    context.fillStyle = pixelColour(palette.signed[level + 127]);
    context.fillRect(x, top, width - 1, high);
    const value = before.read(block.info.key, placeOf(block.form.shape, flat));
    if (height < ROOM_FOR_NUMBER || value === undefined) return;
    context.fillStyle = palette.inkOn(level);
    const signs = Math.floor(width / (high * 0.5)) - 4;
    context.fillText(`was ${shortNumber(value, signs)}`, x + width / 2, top + high / 2);
  });
}

/** A bar beside the blocks that are wrong, and a corner on each cell that is.
 * @param {Drawn} drawn @param {Block} block @param {Pass | null} right the pass without the bugs */
export function drawWrong({ context, camera, palette, screen, levels }, block, right) {
  const box = onScreen(camera, block);
  context.fillStyle = palette.wrong;
  context.fillRect(box.x - 7, box.y - 1, 3, box.height + 2);
  const [width, height] = [block.cellWidth * camera.scale, block.cellHeight * camera.scale];
  const change = right && compared(levels(block.info.key), right, block);
  const size = Math.min(width, height) * 0.32;
  if (!change || size < 2) return;
  forSeen(block, box, { width, height }, screen, (spot, x, y) => {
    const flat = flatAt(block.form, spot);
    if (flat < 0 || !change.differs(flat)) return;
    context.beginPath();
    context.moveTo(x, y);
    context.lineTo(x + size, y);
    context.lineTo(x, y + size);
    context.fill();
  });
}

/** The paths of a weight: a line from cell to cell, as thick as the path's share.
 * @param {Drawn} drawn @param {Trail[]} trails */
export function drawTrails({ context, camera, palette, layout }, trails) {
  const middle = (/** @type {import("../store.js").ChosenCell} */ { key, at }) => {
    const block = layout.blocks.find(({ info }) => info.key === key);
    const box = block && cellBox(block, at);
    return box && onScreen(camera, box);
  };
  context.lineJoin = "round";
  for (const { cells, share } of trails) {
    context.strokeStyle = share < 0 ? palette.negative : palette.positive;
    context.globalAlpha = 0.35 + 0.65 * Math.abs(share);
    context.lineWidth = 1 + 3 * Math.abs(share);
    context.beginPath();
    for (const box of cells.map(middle)) {
      if (box) context.lineTo(box.x + box.width / 2, box.y + box.height / 2);
    }
    context.stroke();
  }
  context.globalAlpha = 1;
}
