/** Draws the picture: blocks of cells, their names, and the edges between columns. */

import { clamped, placeOf } from "../arrays.js";
import { numberText } from "../numbers.js";
import { onScreen } from "./camera.js";
import { cellsAcross, cellsDown, flatAt } from "./forms.js";
import { LABEL, passed } from "./layout.js";
import { drawCover, VEIL, veilOver } from "./overlay.js";

/**
 * @typedef {import("./layout.js").Block} Block
 * @typedef {import("./layout.js").Column} Column
 * @typedef {import("./layout.js").Edge} Edge
 * @typedef {import("./camera.js").Camera} Camera
 * @typedef {import("./colours.js").Palette} Palette
 *
 * @typedef {Object} Drawn  what the picture is drawn from
 * @property {CanvasRenderingContext2D} context scaled to pixels of the style sheets
 * @property {Camera} camera
 * @property {{width: number, height: number}} screen
 * @property {Palette} palette
 * @property {import("../source.js").Pass} pass
 * @property {(key: string) => import("../source.js").Levels} levels
 * @property {(info: import("../scene.js").ArrayInfo) => string} aside what stands beside its name
 * @property {import("./layout.js").Layout} layout
 * @property {(block: Block) => import("./bitmaps.js").Bitmap} bitmap
 * @property {(block: Block) => CanvasImageSource} photo of a block of three colours
 * @property {(block: Block) => "shown" | "later" | "now"} when whether the operation in progress
 *   computes it, or a later one
 * @property {(block: Block) => import("./overlay.js").Cover | "dim" | null} lit which cells are
 *   lit; "dim": none, while others are
 * @property {(key: string) => "none" | "some" | "all"} hides how much of an array is not to be seen
 * @property {(key: string, flat: number) => boolean} hidden whether a number is not to be seen
 * @property {(key: string, flat: number) => void} missing is called for numbers that are not loaded
 * @property {string[]} wrong keys of the arrays that a bug makes wrong
 * @property {(block: Block) => void} over draws what lies over a block
 */

const FACE = "system-ui, sans-serif";
/** Cells from this size on show their number. */
const WITH_NUMBER = { width: 28, height: 11 };
/** Cells from this size on are set apart by lines. */
const WITH_LINES = 7;

/** @param {{x: number, y: number, width: number, height: number}} box
 * @param {{width: number, height: number}} screen */
const isSeen = (box, screen) =>
  box.x < screen.width && box.y < screen.height && box.x + box.width > 0 && box.y + box.height > 0;

/** Draw everything.
 * @param {Drawn} drawn */
export function drawPicture(drawn) {
  const { context, screen, layout } = drawn;
  context.clearRect(0, 0, screen.width, screen.height);
  drawLines(drawn);
  for (const edge of layout.edges) drawEdge(drawn, edge);
  for (const block of layout.blocks) drawBlock(drawn, block);
  for (const column of layout.columns) drawTitle(drawn, column);
}

/** The line of every column: values above, gradients below.
 * @param {Drawn} drawn */
function drawLines({ context, camera, palette, layout, screen }) {
  context.strokeStyle = palette.line;
  context.lineWidth = 1;
  context.beginPath();
  for (const column of layout.columns) {
    const { x, y, width } = onScreen(camera, { ...column, y: column.line, height: 0 });
    if (x > screen.width || x + width < 0) continue;
    context.moveTo(x - 6, Math.round(y) + 0.5);
    context.lineTo(x + width + 6, Math.round(y) + 0.5);
  }
  context.stroke();
}

/** An edge: its way there above the line, the gradient's way back below it.
 * @param {Drawn} drawn @param {Edge} edge */
function drawEdge(drawn, edge) {
  const { from, to, track } = edge;
  const near = track ? [from, to, ...passed(drawn.layout.columns, edge)] : [];
  const above = Math.min(...near.map((one) => one.top)) - track * 12 + 2;
  const below = Math.max(...near.map((one) => one.bottom)) + track * 12;
  for (const back of [false, true]) {
    const side = back ? 8 : -8;
    const start = { x: from.x + from.width + 9, y: from.line + side };
    const end = { x: to.x - 9, y: to.line + side };
    drawWay(drawn, start, end, track ? (back ? below : above) : null, back, track);
  }
}

/** @param {Drawn} drawn @param {{x: number, y: number}} start @param {{x: number, y: number}} end
 * @param {number | null} around the height of the detour @param {boolean} back
 * @param {number} track */
function drawWay({ context, camera, palette }, start, end, around, back, track) {
  const at = (/** @type {number} */ x, /** @type {number} */ y) =>
    /** @type {[number, number]} */ ([
      (x - camera.x) * camera.scale,
      (y - camera.y) * camera.scale,
    ]);
  const bend = Math.min(8, 10 * camera.scale);
  context.strokeStyle = palette.faint;
  context.fillStyle = palette.faint;
  context.lineWidth = Math.min(1.5, Math.max(0.75, camera.scale));
  context.setLineDash(back ? [3, 3] : []);
  context.beginPath();
  context.moveTo(...at(start.x, start.y));
  if (around !== null) {
    const [out, into] = [start.x + 8 + track * 3, end.x - 8 - track * 3];
    context.arcTo(...at(out, start.y), ...at(out, around), bend);
    context.arcTo(...at(out, around), ...at(into, around), bend);
    context.arcTo(...at(into, around), ...at(into, end.y), bend);
    context.arcTo(...at(into, end.y), ...at(end.x, end.y), bend);
  } else if (start.y !== end.y) {
    const turn = Math.max(start.x, end.x - 50);
    const middle = (turn + end.x) / 2;
    context.lineTo(...at(turn, start.y));
    context.bezierCurveTo(...at(middle, start.y), ...at(middle, end.y), ...at(end.x, end.y));
  }
  context.lineTo(...at(end.x, end.y));
  context.stroke();
  context.setLineDash([]);
  const [tip, direction] = back ? [at(start.x, start.y), -1] : [at(end.x, end.y), 1];
  const size = Math.min(6, Math.max(3, 5 * camera.scale));
  context.beginPath();
  context.moveTo(tip[0] + direction * size, tip[1]);
  context.lineTo(tip[0] - direction * size * 0.6, tip[1] - size * 0.8);
  context.lineTo(tip[0] - direction * size * 0.6, tip[1] + size * 0.8);
  context.fill();
}

/** The name and kind of a layer, above its column; it stays in sight while the column is.
 * @param {Drawn} drawn @param {Column} column */
function drawTitle({ context, camera, palette, screen }, column) {
  const { x, width } = onScreen(camera, { ...column, y: 0, height: 0 });
  if (x > screen.width || x + width < 0 || width < 26) return;
  const size = Math.min(15, Math.max(10, 14 * camera.scale));
  const top = (column.top - camera.y) * camera.scale;
  const end = (column.bottom - camera.y) * camera.scale;
  const y = clamped(top, 3, end - 3 * size);
  const room = width + 18 * camera.scale;
  if (y > top) {
    context.fillStyle = palette.ground;
    context.globalAlpha = 0.9;
    context.fillRect(x - 4, y - 3, room, size * 2.5 + 4);
    context.globalAlpha = 1;
  }
  context.textBaseline = "top";
  context.textAlign = "left";
  context.fillStyle = palette.ink;
  context.font = `600 ${size}px ${FACE}`;
  context.fillText(clipped(context, column.name, room), x, y);
  context.fillStyle = palette.faint;
  context.font = `${size * 0.87}px ${FACE}`;
  context.fillText(clipped(context, column.kind, room), x, y + size * 1.25);
}

/** A text that is not wider than a length.
 * @param {CanvasRenderingContext2D} context @param {string} text @param {number} room */
function clipped(context, text, room) {
  if (context.measureText(text).width <= room) return text;
  let length = text.length;
  while (length > 1 && context.measureText(`${text.slice(0, length)}…`).width > room) length--;
  return `${text.slice(0, length)}…`;
}

/** One block with its name.
 * @param {Drawn} drawn @param {Block} block */
function drawBlock(drawn, block) {
  const { context, camera, screen } = drawn;
  const box = onScreen(camera, block);
  const above = (LABEL + block.photo) * camera.scale;
  if (!isSeen({ ...box, y: box.y - above, height: box.height + above }, screen)) return;
  const when = drawn.when(block);
  const lit = drawn.lit(block);
  context.globalAlpha = when === "later" ? 0.62 : lit === "dim" ? 0.7 : 1;
  drawLabel(drawn, block, box, when);
  context.globalAlpha = when === "later" ? 0.16 : lit === "dim" ? 1 - VEIL : 1;
  if (drawn.hides(block.info.key) === "all") drawHidden(drawn, box);
  else drawNumbers(drawn, block, box, lit);
  if (when !== "later") drawn.over(block);
  context.globalAlpha = 1;
}

/** In place of the numbers of an array that are not to be seen.
 * @param {Drawn} drawn @param {{x: number, y: number, width: number, height: number}} box */
function drawHidden({ context, palette }, { x, y, width, height }) {
  context.strokeStyle = palette.line;
  context.setLineDash([4, 4]);
  context.strokeRect(x - 0.5, y - 0.5, width + 1, height + 1);
  context.setLineDash([]);
  context.fillStyle = palette.faint;
  context.font = `${Math.min(16, height * 0.8)}px ${FACE}`;
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.fillText("?", x + width / 2, y + height / 2);
}

/** The cells of a block.
 * @param {Drawn} drawn @param {Block} block
 * @param {import("./overlay.js").Box} box @param {ReturnType<Drawn["lit"]>} lit */
function drawNumbers(drawn, block, box, lit) {
  const { context, camera, palette } = drawn;
  const { canvas, patch } = drawn.bitmap(block);
  context.imageSmoothingEnabled = camera.scale * Math.min(block.cellWidth, block.cellHeight) < 1;
  // The last patches of a large array may reach beyond its end.
  const [across, down] = [cellsAcross(block.form), cellsDown(block.form)];
  context.drawImage(
    canvas,
    0,
    0,
    across / patch[0],
    down / patch[1],
    box.x,
    box.y,
    box.width,
    box.height,
  );
  if (block.photo) {
    const high = block.photo * camera.scale;
    const shown = high - 4 * camera.scale;
    context.drawImage(drawn.photo(block), box.x, box.y - high, box.width, shown);
  }
  if (block.form.gap === 0) {
    context.strokeStyle = palette.line;
    context.lineWidth = 1;
    context.strokeRect(box.x - 0.5, box.y - 0.5, box.width + 1, box.height + 1);
  }
  if (lit && lit !== "dim") drawCover(drawn, block, box, lit);
  if (context.globalAlpha > 0.2) drawCells(drawn, block, box, lit);
}

/** @param {Drawn} drawn @param {Block} block @param {{x: number, y: number, width: number}} box
 * @param {"shown" | "later" | "now"} when */
function drawLabel(
  { context, camera, palette, wrong, aside },
  { info, label, photo, room },
  box,
  when,
) {
  if (LABEL * camera.scale < 8.5) return;
  const size = Math.min(15, Math.max(9, 12.5 * camera.scale));
  context.textBaseline = "alphabetic";
  context.textAlign = "left";
  context.font = `italic ${size}px "STIX Two Math", "Cambria Math", Georgia, serif`;
  context.fillStyle = when === "now" ? palette.accent : palette.ink;
  if (wrong.includes(info.key)) context.fillStyle = palette.wrong;
  const y = box.y - photo * camera.scale - Math.max(2.5, 4 * camera.scale);
  context.fillText(label, box.x, y);
  const width = context.measureText(label).width;
  const more = aside(info);
  context.font = `${size * 0.8}px ${FACE}`;
  context.fillStyle = palette.faint;
  if (width + 5 + context.measureText(more).width < room * camera.scale)
    context.fillText(more, box.x + width + 5, y);
}

/** Lines between the cells and numbers in them, where there is room; and what is no number.
 * @param {Drawn} drawn @param {Block} block @param {{x: number, y: number}} box
 * @param {ReturnType<Drawn["lit"]>} lit */
function drawCells(drawn, block, box, lit) {
  const { context, camera, screen, palette } = drawn;
  const [width, height] = [block.cellWidth * camera.scale, block.cellHeight * camera.scale];
  if (Math.min(width, height) < WITH_LINES) return;
  const withNumbers = width >= WITH_NUMBER.width && height >= WITH_NUMBER.height;
  const { level, ink } = drawn.bitmap(block);
  const size = Math.min(14, height * 0.62, width / 4.2);
  const signs = Math.min(9, (width - 6) / (size * 0.6));
  context.font = `${size}px ${FACE}`;
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.globalAlpha = 1;
  forSeen(block, box, { width, height }, screen, (spot, x, y) => {
    const flat = flatAt(block.form, spot);
    if (flat < 0) return;
    context.fillStyle = palette.ground;
    context.fillRect(x + width - 1, y, 1, height);
    context.fillRect(x, y + height - 1, width, 1);
    const isHidden = drawn.hidden(block.info.key, flat);
    const one = level(flat);
    if (one === -128 && !isHidden) drawMissing(drawn, block, flat, { x, y, width, height });
    if (!withNumbers) return;
    const text = isHidden ? "?" : numberAt(drawn, block, flat, signs);
    if (text === "NaN") return; // the hatching says so
    const shade = one > -128 ? one : text === "∞" ? 127 : -127;
    const covered = lit === "dim" ? VEIL : lit ? veilOver(lit.light[flat]) : 0;
    context.fillStyle = isHidden ? palette.ink : ink(shade, covered);
    context.fillText(text, x + width / 2, y + height / 2 + 1);
  });
}

/** What is no finite number: hatched where it is none, in full colour where it is infinite.
 * @param {Drawn} drawn @param {Block} block @param {number} flat
 * @param {{x: number, y: number, width: number, height: number}} box */
function drawMissing({ context, palette, pass, missing }, { info, form }, flat, box) {
  const value = pass.read(info.key, placeOf(form.shape, flat));
  if (value === undefined) return missing(info.key, flat);
  const { x, y, width, height } = { ...box, width: box.width - 1, height: box.height - 1 };
  context.fillStyle = value > 0 ? palette.positive : palette.negative;
  if (!Number.isNaN(value)) return context.fillRect(x, y, width, height);
  context.strokeStyle = palette.faint;
  context.lineWidth = 0.75;
  context.beginPath();
  for (let k = 4; k < width + height; k += 6) {
    context.moveTo(x + Math.min(k, width), y + Math.max(0, k - width));
    context.lineTo(x + Math.max(0, k - height), y + Math.min(k, height));
  }
  context.stroke();
}

/** Call for each cell of a block that is on the screen.
 * @param {Block} block @param {{x: number, y: number}} box
 * @param {{width: number, height: number}} cell @param {{width: number, height: number}} screen
 * @param {(spot: import("./forms.js").Spot, x: number, y: number) => void} visit */
export function forSeen({ form }, box, cell, screen, visit) {
  const clamp = (/** @type {number} */ k, /** @type {number} */ most) =>
    clamped(Math.floor(k), 0, most);
  const [wide, high] = [form.columns + form.gap, form.rows + form.gap];
  const first = {
    x: clamp(-box.x / cell.width, form.across * wide),
    y: clamp(-box.y / cell.height, form.down * high),
  };
  const last = {
    x: clamp((screen.width - box.x) / cell.width, form.across * wide - 1),
    y: clamp((screen.height - box.y) / cell.height, form.down * high - 1),
  };
  for (let v = first.y; v <= last.y; v++) {
    for (let u = first.x; u <= last.x; u++) {
      const [column, row] = [u % wide, v % high];
      if (column >= form.columns || row >= form.rows) continue;
      const spot = { down: (v - row) / high, across: (u - column) / wide, row, column };
      visit(spot, box.x + u * cell.width, box.y + v * cell.height);
    }
  }
}

/** A cell's number with as many digits as there is room for.
 * @param {Drawn} drawn @param {Block} block @param {number} flat @param {number} signs */
function numberAt({ pass, missing }, { info, form }, flat, signs) {
  const value = pass.read(info.key, placeOf(form.shape, flat));
  if (value === undefined) missing(info.key, flat);
  return value === undefined ? "" : shortNumber(value, signs);
}

/** A number in at most so many signs, if one digit has room in them.
 * @param {number} value @param {number} signs @returns {string} */
export function shortNumber(value, signs) {
  let digits = clamped(Math.floor(signs), 1, 12);
  let text = numberText(value, digits);
  while (text.length > signs && digits > 1) text = numberText(value, --digits);
  return text;
}
