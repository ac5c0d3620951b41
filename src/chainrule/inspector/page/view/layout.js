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
 * @property {number} room the width that it has, for its name as well
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
 * @property {Sizes} sizes
 * @property {number} case_
 * @property {string} madeFrom what it depends on beside the case
 */
import { arrayName } from "../names.js";
import { cellsAcross, cellsDown, formFor } from "./forms.js";

/** Above each block its name is written in this height. */
export const LABEL = 17;
/** Above each column the layer's name and kind are written in this height. */
const TITLE = 44;
/** Between columns, for the ways from one to the next. */
const GAP = 58;
const gapOf = (/** @type {Sizes} */ { wide }) => GAP * Math.max(wide, 0.6);
const BETWEEN = 9;
/** The largest size of a block, of values and of parameters. */
const WIDEST = 240;
const HIGHEST = { value: 170, parameter: 240 };
/** How much narrower and lower blocks may become so that the whole pass is seen with its names. */
const SMALLER = [1, 0.85, 0.7, 0.58, 0.48, 0.4, 0.33];
const LARGEST_CELL = { width: 50, height: 27 };
const THINNEST = 10;
/** So few cells beside or below each other keep a size in which their numbers can be read. */
const FEW = { across: 4, down: 8, width: 38, height: 15 };
/** A layer of more values than this has them side by side, in blocks of half the width. */
const MANY_VALUES = 4;
const NARROWEST_COLUMN = 66;

/** The room for an array.
 * @param {ArrayInfo} info @param {Sizes} sizes @returns {import("./forms.js").Room} */
function roomFor(info, { wide, high }) {
  return {
    width: wide * WIDEST,
    height: high * (info.cases ? HIGHEST.value : HIGHEST.parameter),
  };
}

/** How large the cells of an array are drawn.
 * @param {Form} form @param {import("./forms.js").Room} room
 * @returns {{cellWidth: number, cellHeight: number}} */
function cellSize(form, room) {
  const [across, down] = [cellsAcross(form), cellsDown(form)];
  let cellWidth = Math.min(room.width / across, LARGEST_CELL.width);
  let cellHeight = Math.min(room.height / down, LARGEST_CELL.height);
  if (form.kind === "tiles" || form.kind === "wrapped") {
    cellWidth = cellHeight = Math.min(cellWidth, cellHeight, 16);
    return { cellWidth, cellHeight };
  }
  // A cell is at most as high as wide, but never so thin that a row of numbers is not seen.
  const thinnest = Math.min(THINNEST, room.height / down);
  cellHeight = Math.min(cellHeight, Math.max(cellWidth, thinnest));
  if (form.kind === "steps") cellWidth = Math.min(cellWidth, 16);
  if (across <= FEW.across) cellWidth = Math.max(cellWidth, FEW.width);
  if (down <= FEW.down) cellHeight = Math.max(cellHeight, FEW.height);
  return { cellWidth, cellHeight };
}

/** @param {ArrayInfo} info @param {number} case_ @param {number[] | null} image
 * @param {Sizes} sizes @returns {Block} */
function blockOf(info, case_, image, sizes) {
  const most = roomFor(info, sizes);
  const form = formFor(info, case_, image, most);
  const { cellWidth, cellHeight } = cellSize(form, most);
  const width = cellsAcross(form) * cellWidth;
  const height = cellsDown(form) * cellHeight;
  const isColour = info.key === "input.out" && form.kind === "tiles" && info.shape[1] === 3;
  const photo = isColour ? (width * form.rows) / form.columns + 4 : 0;
  const name = info.letter.length * 7.5 + (info.role === "update" ? 46 : 18);
  const room = Math.max(width, name);
  return { info, form, label: "", x: 0, y: 0, width, height, cellWidth, cellHeight, photo, room };
}

/** Blocks in rows: one below the other, and beside each other where there are many.
 * @param {Block[]} blocks @param {boolean} sideBySide @param {number} [widest]
 * @returns {Block[][]} */
function inRows(blocks, sideBySide, widest = 0) {
  /** @type {Block[][]} */
  const rows = [];
  let width = Number.POSITIVE_INFINITY;
  for (const block of blocks) {
    const wide = block.room + BETWEEN;
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
      x += block.room + BETWEEN;
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
function columnOf(name, kind, blocks, sizes) {
  const widest = WIDEST * (name === "loss" ? 1 : 2.3) * sizes.wide;
  const of = (/** @type {string} */ role) => blocks.filter(({ info }) => info.role === role);
  const isMany = of("value").length > MANY_VALUES;
  const rows = (/** @type {Block[]} */ some) => inRows(some, isMany || name === "loss", widest);
  const above = [...rows(of("parameter")), ...rows(of("value"))];
  const below = [
    ...rows(of("gradient")),
    ...rows(of("parameter_gradient").toReversed()),
    ...rows(of("update").toReversed()),
  ];
  const height = stack(above, 0);
  for (const block of above.flat()) block.y -= height;
  const bottom = stack(below, 4);
  const width = Math.max(NARROWEST_COLUMN, widthOf(above), widthOf(below));
  for (const row of [...above, ...below]) {
    const last = row[row.length - 1]; // its name may reach towards the next column
    last.room = Math.max(last.room, width - last.x + 0.85 * gapOf(sizes));
  }
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
function depths(scene) {
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
function lanes(scene, depth) {
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

/** The edges; those past other columns of their row keep to tracks of their own around them.
 * @param {Scene} scene @param {Map<string, Column>} columns @returns {Edge[]} */
function edgesOf(scene, columns) {
  const all = scene.layers.flatMap(({ name, sources }) => sources.map((from) => [from, name]));
  all.push([scene.output, "loss"]);
  const edges = all.flatMap(([source, target]) => {
    const [from, to] = [columns.get(source), columns.get(target)];
    return from && to ? [{ from, to, track: 0 }] : [];
  });
  edges.sort((a, b) => a.to.x - a.from.x - (b.to.x - b.from.x));
  /** @type {Edge[]} */
  const around = [];
  for (const edge of edges) {
    if (!passed(columns.values(), edge).length) continue;
    const beside = around.filter((one) => one.from.x < edge.to.x && edge.from.x < one.to.x);
    edge.track = 1 + Math.max(0, ...beside.map(({ track }) => track));
    around.push(edge);
  }
  return edges;
}

/** The columns that an edge has to go around.
 * @param {Iterable<Column>} columns @param {Edge} edge @returns {Column[]} */
export function passed(columns, { from, to }) {
  return [...columns].filter((one) => one.x > from.x && one.x < to.x && one.line === from.line);
}

/** The layout of a scene: with blocks as large as the screen has room for, as far as names and cells
 * allow it.
 * @param {Scene} scene @param {number} case_ the index of the case shown, in the arrays
 * @param {{width: number, height: number}} screen @param {Layout} [last] taken again where nothing
 *   that it depends on has changed
 * @returns {Layout} */
export function layoutOf(scene, case_, screen, last) {
  const arrays = scene.arrays.map(({ key, shape }) => `${key} ${shape}`);
  const kinds = scene.layers.map((layer) => kindOf(layer));
  const made = [screen.width, screen.height, ...kinds, ...arrays].join("\n");
  const isSame = last?.madeFrom === made;
  if (isSame && last.case_ === case_) return last;
  const sizes = isSame ? last.sizes : fittingSizes(scene, case_, screen);
  const layout = { ...layoutAt(scene, case_, sizes), sizes, case_, madeFrom: made };
  for (const block of layout.blocks) block.label = arrayName(scene, block.info.key);
  return layout;
}

/** The largest sizes with which the whole pass is seen.
 * @param {Scene} scene @param {number} case_ @param {{width: number, height: number}} screen
 * @returns {Sizes} */
function fittingSizes(scene, case_, screen) {
  const least = SMALLER.length - 1;
  const boundsAt = (/** @type {number} */ wide, /** @type {number} */ high) =>
    layoutAt(scene, case_, { wide: SMALLER[wide], high: SMALLER[high] }).bounds;
  let high = 0;
  for (let wide = 0; wide <= least; wide++) {
    let bounds = boundsAt(wide, high);
    while (bounds.height > screen.height && high < least) bounds = boundsAt(wide, ++high);
    // What is still too high is seen from further away, where there is room for wider columns.
    const scale = Math.min(1, screen.height / bounds.height);
    if (bounds.width * scale <= screen.width) return { wide: SMALLER[wide], high: SMALLER[high] };
  }
  return { wide: SMALLER[least], high: SMALLER[high] };
}

/** @param {Scene} scene @param {number} case_ @param {Sizes} sizes
 * @returns {Pick<Layout, "blocks" | "columns" | "edges" | "bounds">} */
function layoutAt(scene, case_, sizes) {
  const depth = depths(scene);
  const lane = lanes(scene, depth);
  const image = scene.image ?? null;
  const told = [
    { name: "input", kind: "" },
    ...scene.layers.map((layer) => ({ name: layer.name, kind: kindOf(layer) })),
    { name: "loss", kind: scene.loss.type },
  ];
  /** @type {Map<string, ArrayInfo[]>} */
  const byLayer = new Map();
  for (const info of scene.arrays) {
    const known = byLayer.get(info.layer);
    if (known) known.push(info);
    else byLayer.set(info.layer, [info]);
  }
  const made = told.flatMap(({ name, kind }) => {
    const infos = byLayer.get(name) ?? [];
    const isFlatImage = (/** @type {ArrayInfo} */ info) =>
      name === "input" && info.shape.length === 2 ? image : null;
    const isMany = infos.filter(({ role }) => role === "value").length > MANY_VALUES;
    const half = { ...sizes, wide: sizes.wide / 2 };
    const blocks = infos.map((info) =>
      blockOf(info, case_, isFlatImage(info), isMany ? half : sizes),
    );
    return blocks.length ? [columnOf(name, kind, blocks, sizes)] : [];
  });
  place(made, depth, lane, gapOf(sizes));
  const columns = new Map(made.map(({ column }) => [column.name, column]));
  const edges = edgesOf(scene, columns);
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
