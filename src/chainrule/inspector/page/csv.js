/**
 * Cases pasted or dropped as CSV: read, matched with the network's inputs and targets, and brought
 * to the numbers that the network sees.
 *
 * @typedef {import("./scene.js").Scene} Scene
 * @typedef {{line: number, cells: string[]}} Row  line: where it begins in the text, from 1
 * @typedef {import("./scene.js").TableColumn} TableColumn
 * @typedef {{kind: "cases", x: number[][], t: number[][], labels: string[]}} Cases
 */

import { sizeOf } from "./arrays.js";
import { infoOf } from "./scene.js";

/** At most so many cases are shown at once, and so many characters are read. */
const MOST_CASES = 200;
const MOST_CHARACTERS = 4_000_000;

/** What is wrong with pasted data, in a sentence that names line and column. */
export class DataProblem extends Error {}

/** @param {string} sentence @returns {never} */
function refuseData(sentence) {
  throw new DataProblem(sentence);
}

/** The separator of the cells: whichever the first line has most of, outside quotes.
 * @param {string} text @returns {string} */
function separatorOf(text) {
  const line = text.split("\n", 1)[0].replace(/"[^"]*"/g, "");
  const count = (/** @type {string} */ sign) => line.split(sign).length;
  return [",", ";", "\t"].reduce((best, sign) => (count(sign) > count(best) ? sign : best));
}

/** The rows of a text; empty lines are left out, and cells are without blanks around them.
 * @param {string} text @returns {Row[]} */
export function rowsOf(text) {
  if (text.length > MOST_CHARACTERS) {
    refuseData(
      `This is ${text.length.toLocaleString("en")} characters; at most 4 million are read.`,
    );
  }
  const signs = text.replace(/^\uFEFF/, "").replace(/\r\n?/g, "\n");
  const separator = separatorOf(signs);
  /** @type {Row[]} */
  const rows = [];
  /** @type {Row} */
  let row = { line: 1, cells: [] };
  let [cell, line, quoted] = ["", 1, 0];
  const endCell = () => {
    row.cells.push(separator === "," ? cell.trim() : withPoint(cell.trim()));
    cell = "";
  };
  const endRow = () => {
    endCell();
    if (row.cells.some((one) => one !== "")) rows.push(row);
    row = { line, cells: [] };
  };
  for (let k = 0; k < signs.length; k++) {
    const sign = signs[k];
    if (sign === "\n") line++;
    if (quoted) {
      if (sign !== '"') cell += sign;
      else if (signs[k + 1] === '"') cell += signs[++k];
      else quoted = 0;
    } else if (sign === '"' && cell.trim() === "") [cell, quoted] = ["", line];
    else if (sign === separator) endCell();
    else if (sign === "\n") endRow();
    else cell += sign;
  }
  if (quoted) refuseData(`Line ${quoted}: a quote opens and is never closed.`);
  endRow();
  return rows;
}

/** A number with a decimal comma, with a point instead; another text as it is.
 * @param {string} cell */
const withPoint = (cell) =>
  /^[-+]?\d*,\d+(e[-+]?\d+)?$/i.test(cell) ? cell.replace(",", ".") : cell;

/** The number that a text is; NaN where it is none.
 * @param {string} cell @returns {number} */
export function numberIn(cell) {
  const plain = cell.trim().replace(/^[\u2212]/, "-");
  return /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(plain) ? Number(plain) : Number.NaN;
}

/** @param {string} name */
const foldedName = (name) => name.trim().toLowerCase();

/** The columns that the inputs come from, in order; without a table each input is one.
 * @param {Scene} scene @returns {TableColumn[]} */
export function inputColumns(scene) {
  if (scene.columns) return scene.columns;
  const size = sizeOf(scene.input_shape);
  const names = scene.names.inputs?.length === size ? scene.names.inputs : null;
  return Array.from({ length: size }, (_, k) => ({
    name: names?.[k] ?? `input ${k + 1}`,
    kind: "number",
    inputs: [k, 1],
    categories: [],
    has_indicator: false,
  }));
}

/** What the targets are in a table: classes, one for each step, or numbers.
 * @param {Scene} scene */
export function targetColumns(scene) {
  const shape = infoOf(scene, "loss.t")?.shape.slice(1) ?? [];
  const size = sizeOf(shape);
  const width = shape.at(-1) ?? 1;
  const { classes, outputs, target } = scene.names;
  const areClasses =
    ["cross_entropy", "hinge"].includes(scene.loss.type) || (size === 1 && classes?.length === 2);
  const words = areClasses ? (classes ?? outputs) : null;
  const count = areClasses && width > 1 ? size / width : size;
  const named = !areClasses && outputs?.length === size ? outputs : null;
  const names = Array.from({ length: count }, (_, k) =>
    named ? named[k] : count === 1 ? (target ?? "target") : `target ${k + 1}`,
  );
  return { names, size, width, areClasses, words };
}

/** Which column of the text holds each wanted column; by name where a header has it, else by order.
 * @param {Row[]} rows @param {TableColumn[]} inputs @param {string[]} targets
 * @returns {{places: number[], rows: Row[]}} places: of the inputs, then of the targets */
function matchedColumns(rows, inputs, targets) {
  const wanted = [...inputs.map(({ name }) => name), ...targets];
  const names = new Set(wanted.map(foldedName));
  const first = rows[0].cells;
  const hasHeader =
    first.some((cell) => names.has(foldedName(cell)) && Number.isNaN(numberIn(cell))) ||
    (rows.length > 1 && first.every((cell) => cell !== "" && Number.isNaN(numberIn(cell))));
  if (!hasHeader) {
    if (first.length !== wanted.length) {
      refuseData(
        `Line ${rows[0].line} has ${first.length} columns; ${wanted.length} are expected: ` +
          `${listedNames(wanted)}.`,
      );
    }
    return { places: wanted.map((_, k) => k), rows };
  }
  const header = first.map(foldedName);
  const places = wanted.map((name) => header.indexOf(foldedName(name)));
  const others = header.map((_, k) => k).filter((k) => !places.includes(k));
  if (targets.length === 1 && places.at(-1) === -1 && others.length === 1) {
    places[places.length - 1] = others[0]; // the label, whatever its heading
  } else if (places.every((place) => place === -1) && header.length === wanted.length) {
    return { places: wanted.map((_, k) => k), rows: rows.slice(1) };
  }
  const missing = wanted.filter((_, k) => places[k] === -1);
  if (missing.length) {
    refuseData(
      `There is no column ${listedNames(missing)}; the header has ${listedNames(first)}.`,
    );
  }
  return { places, rows: rows.slice(1) };
}

/** Names in quotes, the first ones of many.
 * @param {string[]} names */
const listedNames = (names) =>
  names
    .slice(0, 6)
    .map((name) => `“${name}”`)
    .join(", ") + (names.length > 6 ? `, and ${names.length - 6} more` : "");

/** The inputs of a row, as the network sees them.
 * @param {Scene} scene @param {TableColumn[]} columns @param {Row} row @param {number[]} places */
function inputsOf(scene, columns, row, places) {
  const scaling = scene.scaling?.inputs;
  /** @type {number[]} */
  const x = [];
  columns.forEach((column, k) => {
    const where = `Line ${row.line}, column “${column.name}”: `;
    encodedCell(row.cells[places[k]], column, where).forEach((value, at) => {
      const input = column.inputs[0] + at;
      x[input] = scaling ? (value - scaling.mean[input]) / scaling.scale[input] : value;
    });
  });
  return x;
}

/** The inputs that follow from a cell, before they are scaled.
 * @param {string} cell @param {TableColumn} column @param {string} where @returns {number[]} */
function encodedCell(cell, { kind, categories, has_indicator }, where) {
  const values =
    kind === "number" ? [finiteCell(cell, where)] : oneHotCell(cell, categories, where);
  const found = kind === "integer" ? [values.indexOf(1)] : values;
  return has_indicator ? [...found, 0] : found;
}

/** @param {string} cell @param {string[]} words @param {string} where */
function oneHotCell(cell, words, where) {
  const found = words.findIndex((word) => foldedName(word) === foldedName(cell));
  if (found === -1) refuseData(`${where}“${cell}” is none of ${listedNames(words)}.`);
  return words.map((_, k) => Number(k === found));
}

/** @param {string} cell @param {string} where */
function finiteCell(cell, where) {
  const value = numberIn(cell);
  if (cell === "") refuseData(`${where}there is no value.`);
  if (Number.isNaN(value)) refuseData(`${where}“${cell}” is no number.`);
  if (!Number.isFinite(value)) refuseData(`${where}${cell} is too large.`);
  return value;
}

/** The targets of a row, as the loss sees them.
 * @param {Scene} scene @param {ReturnType<typeof targetColumns>} targets @param {Row} row
 * @param {number[]} places */
function targetsOf(scene, targets, row, places) {
  const scaling = scene.scaling?.targets;
  return targets.names.flatMap((name, k) => {
    const cell = row.cells[places[k]];
    const where = `Line ${row.line}, column “${name}”: `;
    if (targets.areClasses) {
      const size = Math.max(2, targets.width);
      const words = targets.words ?? Array.from({ length: size }, (_, one) => String(one));
      const chosen = oneHotCell(cell, words, where);
      return targets.width > 1 ? chosen : [chosen[1]];
    }
    const value = finiteCell(cell, where);
    const column = k % (scaling?.mean.length ?? 1);
    return [scaling ? (value - scaling.mean[column]) / scaling.scale[column] : value];
  });
}

/** The cases of a text, as an edit.
 * @param {string} text @param {Scene} scene the page's own, before any edit @returns {Cases}
 * @throws {DataProblem} the text does not hold cases of this network */
export function casesIn(text, scene) {
  const found = rowsOf(text);
  if (!found.length) refuseData("There is nothing in it.");
  const columns = inputColumns(scene);
  const targets = targetColumns(scene);
  const { places, rows } = matchedColumns(found, columns, targets.names);
  if (!rows.length) refuseData("There is a header, and no case below it.");
  if (rows.length > MOST_CASES) {
    refuseData(`These are ${rows.length} cases; the page shows at most ${MOST_CASES} at once.`);
  }
  const width = found[0].cells.length;
  for (const { line, cells } of rows) {
    if (cells.length !== width) {
      refuseData(`Line ${line} has ${cells.length} columns; the first line has ${width}.`);
    }
  }
  const ofTargets = places.slice(columns.length);
  return {
    kind: "cases",
    x: rows.map((row) => inputsOf(scene, columns, row, places)),
    t: rows.map((row) => targetsOf(scene, targets, row, ofTargets)),
    labels: rows.map((row) => labelOf(row, targets, ofTargets)),
  };
}

/** What a case is called: by its number among those pasted, and its class.
 * @param {Row} row @param {ReturnType<typeof targetColumns>} targets @param {number[]} places
 */
function labelOf(row, targets, places) {
  const named = targets.areClasses && places.length === 1 ? `, ${row.cells[places[0]]}` : "";
  return `pasted${named}`;
}
