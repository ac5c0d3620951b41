/**
 * Holds every operation of scenes against the arrays that Python recorded.
 *
 * Reads from stdin a JSON list of {scene, exact, arrays: {key: [numbers]}}; writes a list of {target: worst
 * error} for each, where an error is |expression − recorded| / max(1, |recorded|). Of an array of
 * many cells some are tried. Influences are held against the cells that the expressions read: every
 * cell that is read is said to influence; where they are exact, no other one is.
 */
import {
  flatIndex,
  isIn,
  placeOf,
  placesIn,
  sizeOf,
} from "../../../src/chainrule/inspector/page/arrays.js";
import { cellsOf, evaluate } from "../../../src/chainrule/inspector/page/expressions.js";
import { operationsOf } from "../../../src/chainrule/inspector/page/operations/operations.js";

const MOST_CELLS = 60;
const same = (a, b) =>
  Number.isFinite(b) ? Math.abs(a - b) / Math.max(1, Math.abs(b)) : Object.is(a, b) ? 0 : Infinity;

function held({ scene, exact, arrays }) {
  const shapes = Object.fromEntries(scene.arrays.map((one) => [one.key, one.shape]));
  const read = (key, at) => {
    if (!(key in arrays)) throw new Error(`no array ${key}`);
    if (at.length !== shapes[key].length || at.some((k, axis) => k < 0 || k >= shapes[key][axis]))
      throw new Error(`no place ${at} in ${key} ${shapes[key]}`);
    return Number(arrays[key][flatIndex(shapes[key], at)] ?? NaN);
  };
  const errors = {};
  for (const operation of operationsOf(scene)) {
    const { target } = operation;
    const shape = shapes[target];
    if (!shape) throw new Error(`${target} is no array of the record`);
    const size = sizeOf(shape);
    const step = Math.max(1, Math.floor(size / MOST_CELLS));
    let worst = 0;
    for (let k = 0; k < size; k += step) {
      const at = placeOf(shape, k);
      const expression = operation.expression(at);
      worst = Math.max(worst, same(evaluate(expression, read), read(target, at)));
      for (const one of cellsOf(expression)) {
        if (!operation.reads.includes(one.key))
          throw new Error(`${target} reads ${one.key} unsaid`);
        if (!operation.influences(one.key, one.at).some((region) => isIn(region, at)))
          throw new Error(`${one.key}[${one.at}] influences ${target}[${at}] unsaid`);
      }
    }
    errors[target] = Math.max(worst, errors[target] ?? 0);
    if (exact) for (const key of operation.reads) tryInfluences(operation, key, shapes);
  }
  return errors;
}

/** Throws where a cell is said to influence one whose expression does not read it. */
function tryInfluences(operation, key, shapes) {
  const { target } = operation;
  const of = some(sizeOf(shapes[key]), 12).map((k) => placeOf(shapes[key], k));
  for (const read of of)
    for (const region of operation.influences(key, read)) {
      const influenced = [...placesIn(shapes[target], region)];
      for (const at of some(influenced.length, 5).map((k) => influenced[k])) {
        const cells = [...cellsOf(operation.expression(at))];
        if (!cells.some((one) => one.key === key && `${one.at}` === `${read}`))
          throw new Error(`${key}[${read}] does not influence ${target}[${at}]`);
      }
    }
}

/** Indices spread over a length, at most so many, the first and the last among them. */
const some = (length, most) =>
  Array.from({ length: Math.min(length, most) }, (_, k) =>
    length <= most ? k : Math.round((k * (length - 1)) / (most - 1)),
  );

let text = "";
for await (const part of process.stdin) text += part;
console.log(JSON.stringify(JSON.parse(text).map(held)));
