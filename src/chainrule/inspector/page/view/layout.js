/**
 * Where everything lies in the picture: a column a layer, values above the line, gradients below.
 *
 * Lengths are pixels of the picture at its own size, which the camera moves and scales.
 *
 * @typedef {import("../scene.js").Scene} Scene
 * @typedef {import("../scene.js").ArrayInfo} ArrayInfo
 * @typedef {import("./forms.js").Form} Form
 *
 * @typedef {Object} Block  an array in its place
 * @property {ArrayInfo} info
 * @property {Form} form
 * @property {string} label its name, such as W⁽¹⁾
 * @property {number} x
 * @property {number} y
 * @property {number} width
 * @property {number} height
 * @property {number} cellWidth
 * @property {number} cellHeight
 * @property {number} photo the height above the cells in which the three colours are seen as one
 *
 * @typedef {Object} Column  a layer, the input, or the loss
 * @property {string} name
 * @property {string} kind such as "dense · tanh"
 * @property {number} x
 * @property {number} width
 * @property {number} line where its values end and its gradients begin
 * @property {number} top
 * @property {number} bottom
 *
 * @typedef {Object} Edge  from a layer to one that takes its output
 * @property {Column} from
 * @property {Column} to
 * @property {number} track 0: straight; from 1 on around the columns in between, further and further
 *
 * @typedef {{wide: number, high: number}} Sizes  of blocks, as parts of the largest
 *
 * @typedef {Object} Layout
 * @property {Block[]} blocks
 * @property {Column[]} columns
 * @property {Edge[]} edges
 * @property {{x: number, y: number, width: number, height: number}} bounds
 */
import { arrayName } from "../names.js";
import { cellsAcross, cellsDown, formFor } from "./forms.js";

/** Above each block its name is written in this height. */
export const LABEL = 17;
/** Above each column the layer's name and kind are written in this height. */
export const TITLE = 44;
/** Between columns, for the ways from one to the next. */
const GAP = 58;
const BETWEEN = 9;
/** The largest size of a block, of values and of parameters. */
const WIDEST = 240;
const HIGHEST = { value: 170, parameter: 240 };
/** How much narrower and lower blocks may become so that the whole pass is seen with its names. */
const SMALLER = [1, 0.85, 0.7, 0.58, 0.48, 0.4, 0.33];
const LARGEST_CELL = { width: 50, height: 27 };
const THINNEST = 10;
const NARROWEST_COLUMN = 66;
const NARROWEST = 34;

/** How large the cells of an array are drawn.
 * @param {ArrayInfo} info @param {Form} form @param {Sizes} sizes
 * @returns {{cellWidth: number, cellHeight: number}} */
function cellSize(info, form, { wide, high }) {
  const across = cellsAcross(form);
  const down = cellsDown(form);
  const ofParameter = !info.cases;
  const highest = high * (ofParameter ? HIGHEST.parameter : HIGHEST.value);
  const widest = wide * (across > 500 ? WIDEST * 1.4 : WIDEST);
  let cellWidth = Math.min(widest / across, LARGEST_CELL.width);
  let cellHeight = Math.min(highest / down, LARGEST_CELL.height);
  if (form.kind === "tiles") {
    cellWidth = cellHeight = Math.min(cellWidth, cellHeight, 16);
  } else if (form.kind === "wrapped") {
    cellWidth = cellHeight = Math.min(cellWidth, cellHeight);
  } else {
    // A cell is at most as high as wide, but never so thin that a row of numbers is not seen.
    const thinnest = Math.min(THINNEST, highest / down);
    cellHeight = Math.min(cellHeight, Math.max(cellWidth, thinnest));
    if (form.kind === "steps") cellWidth = Math.min(cellWidth, 16);
  }
  return { cellWidth, cellHeight };
}

/** @param {ArrayInfo} info @param {number} case_ @param {number[] | null} image
 * @param {Sizes} sizes @returns {Block} */
function blockOf(info, case_, image, sizes) {
  const form = formFor(info, case_, image);
  const { cellWidth, cellHeight } = cellSize(info, form, sizes);
  const width = cellsAcross(form) * cellWidth;
  const height = cellsDown(form) * cellHeight;
  const isColour = info.key === "input.out" && form.kind === "tiles" && info.shape[1] === 3;
  const photo = isColour ? (width * form.rows) / form.columns + 4 : 0;
  return { info, form, label: "", x: 0, y: 0, width, height, cellWidth, cellHeight, photo };
}

/** Blocks in rows: one below the other, and beside each other where there are many.
 * @param {Block[]} blocks @param {boolean} sideBySide @param {number} [widest]
 * @returns {Block[][]} */
function inRows(blocks, sideBySide, widest = 0) {
  /** @type {Block[][]} */
  const rows = [];
  let width = Number.POSITIVE_INFINITY;
  for (const block of blocks) {
    const wide = Math.max(block.width, NARROWEST) + BETWEEN;
    if (!sideBySide || width + wide > widest) {
      rows.push([]);
      width = 0;
    }
    rows[rows.length - 1].push(block);
    width += wide;
  }
  return rows;
}

/** Put rows of blocks below each other, each with its name above it.
 * @param {Block[][]} rows @param {number} y @returns {number} where they end */
function stack(rows, y) {
  for (const row of rows) {
    let x = 0;
    for (const block of row) {
      block.x = x;
      block.y = y + LABEL + block.photo;
      x += Math.max(block.width, NARROWEST) + BETWEEN;
    }
    y += LABEL + Math.max(...row.map((block) => block.photo + block.height)) + BETWEEN;
  }
  return y;
}

/** @param {Block[][]} rows @returns {number} */
const widthOf = (rows) =>
  Math.max(
    0,
    ...rows.map((row) => {
      const last = row[row.length - 1];
      return last.x + last.width;
    }),
  );

/** The blocks of one layer: what is above its line, ending at it, and what is below.
 * @param {string} name @param {string} kind @param {Block[]} blocks @param {Sizes} sizes
 * @returns {{column: Column, blocks: Block[]}} */
function columnOf(name, kind, blocks, { wide }) {
  const widest = WIDEST * (name === "loss" ? 1 : 1.6) * wide;
  const of = (/** @type {string[]} */ ...roles) =>
    blocks.filter(({ info }) => roles.includes(info.role));
  const values = of("value");
  const gradients = of("gradient");
  const above = [...inRows(of("parameter"), false), ...inRows(values, values.length > 3, widest)];
  const below = [
    ...inRows(gradients, gradients.length > 4, widest),
    ...inRows(of("parameter_gradient").toReversed(), false),
    ...inRows(of("update").toReversed(), false),
  ];
  const height = stack(above, 0);
  for (const block of above.flat()) block.y -= height;
  const bottom = stack(below, 4);
  const width = Math.max(NARROWEST_COLUMN, widthOf(above), widthOf(below));
  const column = { name, kind, x: 0, width, line: 0, top: -height - TITLE, bottom };
  return { column, blocks: [...above.flat(), ...below.flat()] };
}

/** What a layer is, in few words.
 * @param {import("../scene.js").SceneLayer} layer @returns {string} */
function kindOf({ type, activation, name }) {
  const own = type || "own class";
  const phi = activation && activation.type !== "linear" ? activation.type : "";
  return [own === name ? "" : own, phi].filter(Boolean).join(" · ");
}

/** How far each layer is from the input, by the longest way; the loss comes last.
 * @param {Scene} scene @returns {Map<string, number>} */
export function depths(scene) {
  const found = new Map([["input", 0]]);
  for (const layer of scene.layers) {
    const before = layer.sources.map((source) => found.get(source) ?? 0);
    found.set(layer.name, Math.max(...before) + 1);
  }
  found.set("loss", Math.max(...found.values()) + 1);
  return found;
}

/** In which row each layer stands: that of its first source, unless another layer of the same
 * depth stands there.
 * @param {Scene} scene @param {Map<string, number>} depth @returns {Map<string, number>} */
export function lanes(scene, depth) {
  const found = new Map([["input", 0]]);
  /** @type {Set<string>} */
  const taken = new Set(["0:0"]);
  for (const layer of scene.layers) {
    const own = depth.get(layer.name) ?? 0;
    let lane = Math.min(...layer.sources.map((source) => found.get(source) ?? 0));
    while (taken.has(`${own}:${lane}`)) lane++;
    taken.add(`${own}:${lane}`);
    found.set(layer.name, lane);
  }
  found.set("loss", found.get(scene.output) ?? 0);
  return found;
}

/** The edges; those past other columns keep to tracks of their own around them.
 * @param {Scene} scene @param {Map<string, Column>} columns @param {Map<string, number>} depth
 * @returns {Edge[]} */
function edgesOf(scene, columns, depth) {
  const all = scene.layers.flatMap(({ name, sources }) => sources.map((from) => [from, name]));
  if (columns.has("loss")) all.push([scene.output, "loss"]);
  /** @type {{start: number, end: number, track: number}[]} */
  const around = [];
  const found = all.map(([from, to]) => {
    const [start, end] = [depth.get(from) ?? 0, depth.get(to) ?? 0];
    return { from, to, start, end };
  });
  found.sort((a, b) => a.end - a.start - (b.end - b.start));
  return found.flatMap(({ from, to, start, end }) => {
    const [source, target] = [columns.get(from), columns.get(to)];
    if (!source || !target) return [];
    let track = 0;
    if (end - start > 1) {
      const crossed = around.filter((one) => one.start < end && start < one.end);
      track = 1 + Math.max(0, ...crossed.map((one) => one.track));
      around.push({ start, end, track });
    }
    return [{ from: source, to: target, track }];
  });
}

/** The layout of a scene: with blocks as large as the screen has room for, as far as names and cells
 * allow it.
 * @param {Scene} scene @param {number} case_ the index of the case shown, in the arrays
 * @param {{width: number, height: number}} screen @returns {Layout} */
export function layoutOf(scene, case_, screen) {
  const sizes = { wide: SMALLER[0], high: SMALLER[0] };
  let layout = layoutAt(scene, case_, sizes);
  for (const smaller of SMALLER.slice(1)) {
    const { width, height } = layout.bounds;
    if (width <= screen.width && height <= screen.height) break;
    if (width > screen.width) sizes.wide = smaller;
    if (height > screen.height) sizes.high = smaller;
    layout = layoutAt(scene, case_, sizes);
  }
  for (const block of layout.blocks) {
    block.label = arrayName(scene, block.info.key);
  }
  return layout;
}

/** @param {Scene} scene @param {number} case_ @param {Sizes} sizes @returns {Layout} */
function layoutAt(scene, case_, sizes) {
  const depth = depths(scene);
  const lane = lanes(scene, depth);
  const image = scene.image ?? null;
  const told = [
    { name: "input", kind: "" },
    ...scene.layers.map((layer) => ({ name: layer.name, kind: kindOf(layer) })),
    { name: "loss", kind: scene.loss.type },
  ];
  const made = told.flatMap(({ name, kind }) => {
    const infos = scene.arrays.filter((info) => info.layer === name);
    const isFlatImage = (/** @type {ArrayInfo} */ info) =>
      name === "input" && info.shape.length === 2 ? image : null;
    const blocks = infos.map((info) => blockOf(info, case_, isFlatImage(info), sizes));
    return blocks.length ? [columnOf(name, kind, blocks, sizes)] : [];
  });
  place(made, depth, lane, GAP * Math.max(sizes.wide, 0.6));
  const columns = new Map(made.map(({ column }) => [column.name, column]));
  const edges = edgesOf(scene, columns, depth);
  const all = [...columns.values()];
  const tracks = Math.max(0, ...edges.map((edge) => edge.track)) * 12;
  const top = Math.min(...all.map((one) => one.top)) - tracks;
  const bottom = Math.max(...all.map((one) => one.bottom)) + tracks;
  const width = Math.max(...all.map((one) => one.x + one.width));
  return {
    blocks: made.flatMap(({ blocks }) => blocks),
    columns: all,
    edges,
    bounds: { x: 0, y: top, width, height: bottom - top },
  };
}

/** Move columns to their depth, and to the row in which they stand.
 * @param {{column: Column, blocks: Block[]}[]} made @param {Map<string, number>} depth
 * @param {Map<string, number>} lane @param {number} gap */
function place(made, depth, lane, gap) {
  const at = (/** @type {Column} */ { name }) => [depth.get(name) ?? 0, lane.get(name) ?? 0];
  /** @type {number[]} */
  const widths = [];
  /** @type {{above: number, below: number}[]} */
  const heights = [];
  for (const { column } of made) {
    const [d, l] = at(column);
    widths[d] = Math.max(widths[d] ?? 0, column.width);
    const known = heights[l] ?? { above: 0, below: 0 };
    heights[l] = {
      above: Math.max(known.above, -column.top),
      below: Math.max(known.below, column.bottom),
    };
  }
  const starts = widths.map((_, d) => sumOf(widths.slice(0, d)) + d * gap);
  const lines = heights.map((_, l) => {
    const before = heights.slice(0, l);
    return sumOf(before.map(({ above, below }) => above + below + GAP)) + heights[l].above;
  });
  for (const { column, blocks } of made) {
    const [d, l] = at(column);
    column.x = starts[d];
    column.line = lines[l];
    column.top += lines[l];
    column.bottom += lines[l];
    for (const block of blocks) {
      block.x += column.x;
      block.y += lines[l];
    }
  }
}

/** @param {number[]} numbers @returns {number} */
const sumOf = (numbers) => numbers.reduce((total, one) => total + (one ?? 0), 0);
