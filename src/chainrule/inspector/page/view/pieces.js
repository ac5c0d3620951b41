/** What lies under a window, the filter on it, and their products, as small squares of numbers. */

import { make } from "../dom.js";
import { cellsOf } from "../expressions.js";
import { arrayName } from "../names.js";
import { numberText } from "../numbers.js";
import { termsOf } from "./cell_parts.js";
import { currentPalette, inkOn } from "./colours.js";

/**
 * @typedef {import("../main.js").App} App
 * @typedef {import("../expressions.js").Cell} Cell
 * @typedef {import("../expressions.js").Expression} Expression
 * @typedef {import("../operations/operations.js").Operation} Operation
 * @typedef {import("../rules.js").Read} Read
 * @typedef {import("../scene.js").SceneLayer} SceneLayer
 *
 * @typedef {Object} Square  numbers in their places
 * @property {string} name
 * @property {number[][]} rows NaN where there is none
 * @property {boolean} isGrey whether they are pixels of the input
 *
 * @typedef {Object} Piece  the terms of one channel, filter or case
 * @property {number} of its index, counted from 0
 * @property {{row: number, column: number, cells: Cell[]}[]} terms
 */

/** So many channels, filters or cases are shown, those that give most. */
const MOST_PIECES = 3;
/** A square is about so wide, its cells at most so wide; those narrower have no text, or no lines. */
const SIZES = { square: 104, cell: 36, text: 24, lines: 12 };

/** Of what the pieces of a cell are, and the array by whose places they are laid out; null where
 * there are no windows in the operation.
 * @param {Operation} step @param {SceneLayer} layer
 * @returns {{what: string, axis: number, isBase: (one: Cell) => boolean} | null} */
function pieceOrder({ phase, target }, { name, type }) {
  const isFilter = ["conv2d", "locally_connected2d"].includes(type);
  const isDelta = (/** @type {Cell} */ { key }) => [`${name}.delta`, `${name}.J`].includes(key);
  if (phase === "forward" && isFilter)
    return { what: "channel", axis: -3, isBase: ({ key }) => key === `${name}.W` };
  if (phase === "forward" && ["max_pool2d", "average_pool2d"].includes(type))
    return { what: "", axis: 1, isBase: () => true };
  if (phase === "backward" && isFilter && !target.endsWith(".delta"))
    return { what: "filter", axis: 1, isBase: isDelta };
  if (target === `${name}.W_grad` && isFilter) return { what: "case", axis: 0, isBase: isDelta };
  return null;
}

/** The products of an expression, or the inputs of its only function, by piece.
 * @param {Expression} one @param {NonNullable<ReturnType<typeof pieceOrder>>} order
 * @returns {Piece[]} */
function piecesIn(one, { axis, isBase }) {
  const terms = one.kind === "call" ? one.inputs : termsOf(one);
  /** @type {Map<number, Piece>} */
  const found = new Map();
  for (const term of terms) {
    const cells = [...cellsOf(term)];
    const base = cells.find(isBase);
    const isPlain = term.kind === "cell" || (term.kind === "product" && cells.length === 2);
    if (!base || base.at.length < 4 || !isPlain) continue;
    const of = base.at.at(axis) ?? 0;
    const [row, column] = base.at.slice(-2);
    const piece = found.get(of) ?? { of, terms: [] };
    piece.terms.push({ row, column, cells });
    found.set(of, piece);
  }
  return [...found.values()];
}

/** The squares of a piece: one for each factor, and one of the products.
 * @param {App} app @param {Piece} piece @param {Read} read
 * @returns {{squares: Square[], total: number}} */
function squaresOf(app, { terms }, read) {
  const [top, left] = [
    Math.min(...terms.map(({ row }) => row)),
    Math.min(...terms.map((t) => t.column)),
  ];
  const down = Math.max(...terms.map(({ row }) => row)) - top + 1;
  const across = Math.max(...terms.map(({ column }) => column)) - left + 1;
  const names = terms[0].cells.map(({ key }) => arrayName(app.pass.scene, key));
  const squares = [...names, ...(names.length > 1 ? [""] : [])].map((name, k) => ({
    name,
    rows: Array.from({ length: down }, () => new Array(across).fill(Number.NaN)),
    isGrey: terms[0].cells[k]?.key === "input.out",
  }));
  let total = 0;
  for (const { row, column, cells } of terms) {
    const numbers = cells.map(({ key, at }) => read(key, at));
    const product = numbers.reduce((a, b) => a * b, 1);
    total += product;
    [...numbers, product].slice(0, squares.length).forEach((one, k) => {
      squares[k].rows[row - top][column - left] = one;
    });
  }
  if (names.length > 1) squares[names.length].name = `products, Σ = ${numberText(total)}`;
  return { squares, total };
}

/** The level of each number in its colours: of pixels from 0, the smallest, to 254, else from −127
 * to 127.
 * @param {Square[]} alike squares that share their colours @returns {(one: number) => number} */
function levelsFor(alike) {
  const numbers = alike.flatMap(({ rows }) => rows.flat()).filter(Number.isFinite);
  if (alike[0].isGrey) {
    const [low, high] = [Math.min(...numbers, 0), Math.max(...numbers, 0)];
    return (one) => Math.round(((one - low) / (high - low || 1)) * 254);
  }
  const most = Math.max(...numbers.map(Math.abs), Number.MIN_VALUE);
  return (one) => Math.round((one / most) * 127);
}

/** A canvas of a size, sharp on every screen, and what draws on it.
 * @param {number} width @param {number} height */
function sharpCanvas(width, height) {
  const ratio = window.devicePixelRatio || 1;
  const canvas = make("canvas", { "aria-hidden": "true" });
  [canvas.width, canvas.height] = [width * ratio, height * ratio];
  [canvas.style.width, canvas.style.height] = [`${width}px`, `${height}px`];
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  context.scale(ratio, ratio);
  context.textAlign = "center";
  context.textBaseline = "middle";
  return { canvas, context };
}

/** A square, drawn.
 * @param {Square} square @param {(one: number) => number} level @param {boolean} marksLargest
 * @returns {HTMLElement} */
function drawnSquare({ name, rows, isGrey }, level, marksLargest) {
  const palette = currentPalette();
  const square = Math.min(SIZES.square, (window.innerWidth - 120) / 3); // three on a phone
  const size = Math.max(2, Math.min(SIZES.cell, Math.floor(square / rows[0].length)));
  const { canvas, context } = sharpCanvas(rows[0].length * size + 1, rows.length * size + 1);
  context.font = `${Math.round(size / 3)}px system-ui, sans-serif`;
  const line = size >= SIZES.lines ? 1 : 0;
  const cells = rows.flatMap((numbers, row) =>
    numbers.map((one, column) => ({ one, x: column * size, y: row * size })),
  );
  for (const { one, x, y } of cells) {
    context.strokeStyle = palette.line;
    if (line) context.strokeRect(x + 0.5, y + 0.5, size, size);
    if (Number.isNaN(one)) continue;
    const pixel = isGrey ? palette.grey[level(one)] : palette.signed[level(one) + 127];
    context.fillStyle = `rgb(${pixel & 255}, ${(pixel >> 8) & 255}, ${(pixel >> 16) & 255})`;
    context.fillRect(x + line, y + line, size, size);
    if (size < SIZES.text) continue;
    context.fillStyle = inkOn(pixel);
    context.fillText(numberText(one, 2), x + size / 2 + 0.5, y + size / 2 + 0.5, size - 3);
  }
  const largest = Math.max(...cells.map(({ one }) => one).filter(Number.isFinite));
  const winner = marksLargest && cells.find(({ one }) => one === largest);
  if (winner) {
    context.strokeStyle = palette.accent;
    context.lineWidth = 3;
    context.strokeRect(winner.x + 2, winner.y + 2, size - 3, size - 3);
  }
  const figure = make("figure", {}, canvas, make("figcaption", { text: name }));
  figure.style.width = canvas.style.width;
  return figure;
}

/** The squares of a cell of filters or of a pool: the window, the filter and their products; nothing
 * for other cells.
 * @param {App} app @param {Operation} step @param {import("../arrays.js").Place} at
 * @param {Read} read @returns {HTMLElement[]} */
export function piecesOf(app, step, at, read) {
  const layer = app.pass.scene.layers.find(({ name }) => name === step.layer);
  const order = layer ? pieceOrder(step, layer) : null;
  if (!layer || !order) return [];
  const all = piecesIn(step.expression(at), order).map(({ of, terms }) => ({
    of,
    ...squaresOf(app, { of, terms }, read),
  }));
  all.sort((a, b) => Math.abs(b.total) - Math.abs(a.total));
  const shown = all.slice(0, MOST_PIECES);
  if (!shown.length) return [];
  const levels = shown[0].squares.map((_, k) => levelsFor(shown.map(({ squares }) => squares[k])));
  const rows = shown.map(({ of, squares }) => {
    const label = all.length > 1 ? `${order.what} ${of + 1}` : "";
    const parts = squares.flatMap((square, k) => [
      ...(k ? [make("span", { class: "sign", text: k === 1 ? "⊙" : "=" })] : []),
      drawnSquare(square, levels[k], layer.type === "max_pool2d"),
    ]);
    const title = label ? make("span", { class: "own", text: label }) : null;
    return make("div", { class: "piece" }, title, ...parts);
  });
  const left = all.length - shown.length;
  const rest = left ? `and ${left} more ${order.what}${left > 1 ? "s" : ""}, which give less` : "";
  return [make("div", { class: "pieces" }, ...rows, make("p", { class: "own", text: rest }))];
}
