/**
 * Every path by which one number moves the loss: the cells that it moves, those that these move, and
 * so on to the outputs; along each edge a local derivative. The product along a path is what the
 * number does to the loss that way, and the sum over all paths is its gradient: the chain rule.
 *
 * @typedef {import("./arrays.js").Place} Place
 * @typedef {import("./expressions.js").Expression} Expression
 * @typedef {import("./operations/operations.js").Operation} Operation
 * @typedef {import("./scene.js").Scene} Scene
 * @typedef {import("./rules.js").Read} Read
 * @typedef {{key: string, at: Place}} At
 *
 * @typedef {Object} Stop  a cell on the way, with what leads from it to the loss
 * @property {string} key
 * @property {Place} at
 * @property {{to: Stop, slope: number}[]} next
 * @property {number} last ∂L/∂cell at an output; 0 elsewhere
 * @property {number} total the sum of the products of all paths from here
 * @property {number} best the largest |product| of a path from here
 * @property {number} count how many paths lead from here
 * @property {boolean} finished
 *
 * @typedef {Object} Path
 * @property {At[]} cells from the number to an output
 * @property {number[]} factors of each cell to the next, and ∂L/∂output last
 * @property {number} product
 *
 * @typedef {Object} Paths
 * @property {Path[]} paths the largest, largest first
 * @property {number} count of all paths
 * @property {number} total the sum of the products of all
 * @property {number | null} only the one case through which the paths lead; null for all cases
 */
import { flatIndex, isIn, placesIn } from "./arrays.js";
import { derivatives } from "./derivative.js";
import { infoOf } from "./scene.js";

const MOST_WORK = 1_000_000;

/** The paths would take too long to find. */
class TooMany extends Error {}

/** The paths of a number to the loss. Where there are very many cells on the way, only those of one
 * case are followed.
 * @param {{scene: Scene, operations: Operation[], read: Read}} pass @param {At} from
 * @param {number} shown the case that is followed where not all can be
 * @param {number} [most] how many paths are listed
 * @returns {Paths | null} null where there are too many cells even of one case */
export function pathsOf(pass, from, shown, most = 8) {
  for (const only of [null, shown]) {
    try {
      const start = reachedFrom(pass, from, only);
      finish(start);
      return { paths: largestPaths(start, most), count: start.count, total: start.total, only };
    } catch (error) {
      if (!(error instanceof TooMany)) throw error;
    }
  }
  return null;
}

/** The cells on the way, each found by its array and its place. */
class Stops {
  /** @param {Scene} scene */
  constructor(scene) {
    this.shapes = new Map(scene.arrays.map(({ key, shape }) => [key, shape]));
    /** @type {Map<string, Map<number, Stop>>} */
    this.arrays = new Map();
  }

  /** @param {string} key @param {Place} at @returns {Stop | undefined} */
  find(key, at) {
    return this.arrays.get(key)?.get(flatIndex(this.shapes.get(key) ?? [], at));
  }

  /** @param {Stop} stop */
  add(stop) {
    const own = this.arrays.get(stop.key) ?? new Map();
    own.set(flatIndex(this.shapes.get(stop.key) ?? [], stop.at), stop);
    this.arrays.set(stop.key, own);
  }
}

/** @param {At} cell @returns {Stop} */
const stopAt = ({ key, at }) => ({
  key,
  at,
  next: [],
  last: 0,
  total: 0,
  best: 0,
  count: 0,
  finished: false,
});

/** The cell, with all that it moves and the local derivatives on the way.
 * @param {{scene: Scene, operations: Operation[], read: Read}} pass @param {At} from
 * @param {number | null} only @returns {Stop} */
function reachedFrom({ scene, operations, read }, from, only) {
  const start = stopAt(from);
  const stops = new Stops(scene);
  stops.add(start);
  /** @type {Map<Operation, Stop[]>} */
  const targets = new Map();
  const forward = operations.filter(({ phase, layer }) => phase === "forward" && layer !== "loss");
  const waiting = [start];
  for (const stop of waiting) {
    for (const operation of forward) {
      if (!operation.reads.includes(stop.key)) continue;
      for (const at of placesOf(scene, operation, stop, only)) {
        if (stops.find(operation.target, at)) continue;
        const target = stopAt({ key: operation.target, at });
        stops.add(target);
        waiting.push(target);
        const own = targets.get(operation);
        if (own) own.push(target);
        else targets.set(operation, [target]);
      }
    }
    if (waiting.length > MOST_WORK / 25) throw new TooMany();
  }
  let work = 0;
  const isReached = (/** @type {string} */ key, /** @type {Place} */ at) => {
    if (++work > MOST_WORK) throw new TooMany();
    return stops.find(key, at) !== undefined;
  };
  for (const [operation, own] of targets)
    for (const target of own)
      linkSlopes(stops, target, operation.expression(target.at), read, isReached);
  const output = `${scene.output}.out`;
  for (const stop of waiting)
    if (stop.key === output) stop.last = read(`${scene.output}.J`, stop.at);
  return start;
}

/** Lead from each cell that an expression reads to the cell that it is, by the slope.
 * @param {Stops} stops @param {Stop} target @param {Expression} expression @param {Read} read
 * @param {(key: string, at: Place) => boolean} isReached whether a cell is on a path */
function linkSlopes(stops, target, expression, read, isReached) {
  /** @type {Map<Stop | undefined, number>} */
  const slopes = new Map(); // a cell may occur more than once
  const add = (
    /** @type {string} */ key,
    /** @type {Place} */ at,
    /** @type {number} */ slope,
  ) => {
    const stop = stops.find(key, at);
    slopes.set(stop, (slopes.get(stop) ?? 0) + slope);
  };
  derivatives(expression, read, add, isReached);
  for (const [stop, slope] of slopes) if (slope) stop?.next.push({ to: target, slope });
}

/** The places of an operation's result that a cell moves.
 * @param {Scene} scene @param {Operation} operation @param {At} cell @param {number | null} only
 * @returns {Place[]} */
function placesOf(scene, operation, { key, at }, only) {
  const info = infoOf(scene, operation.target);
  if (!info) return [];
  const inCase = info.cases && only !== null ? [only, ...info.shape.slice(1).map(() => null)] : [];
  return operation
    .influences(key, at)
    .flatMap((region) => [...placesIn(info.shape, inCase.length ? cut(region, inCase) : region)])
    .filter((place) => !inCase.length || isIn(inCase, place));
}

/** A region within one case.
 * @param {import("./arrays.js").Region} region @param {import("./arrays.js").Region} inCase
 * @returns {import("./arrays.js").Region} */
function cut(region, inCase) {
  const [cases, ...others] = region;
  return cases === null || cases === undefined ? [inCase[0], ...others] : region;
}

/** Sum up what leads from a cell to the loss, and all behind it first.
 * @param {Stop} start */
function finish(start) {
  const waiting = [start];
  while (waiting.length) {
    const stop = waiting[waiting.length - 1];
    const open = stop.finished ? [] : stop.next.filter(({ to }) => !to.finished);
    if (open.length) {
      for (const { to } of open) waiting.push(to);
      continue;
    }
    waiting.pop();
    if (stop.finished) continue;
    stop.finished = true;
    stop.total = stop.last;
    stop.best = Math.abs(stop.last);
    stop.count = stop.last ? 1 : 0;
    for (const { to, slope } of stop.next) {
      stop.total += slope * to.total;
      stop.best = Math.max(stop.best, Math.abs(slope) * to.best);
      stop.count += to.count;
    }
  }
}

/** The paths of the largest |product|, found best first: how far each can still get is known.
 * @param {Stop} start @param {number} most @returns {Path[]} */
function largestPaths(start, most) {
  /** @type {Path[]} */
  const found = [];
  /** @typedef {{bound: number, cells: Stop[], factors: number[], ends: boolean}} Open */
  /** @type {Open[]} sorted, the most promising last */
  const open = [{ bound: start.best, cells: [start], factors: [], ends: false }];
  const productOf = (/** @type {number[]} */ factors) => factors.reduce((all, x) => all * x, 1);
  while (open.length && found.length < most) {
    const { cells, factors, ends } = /** @type {Open} */ (open.pop());
    if (ends) {
      found.push({ cells, factors, product: productOf(factors) });
      continue;
    }
    const stop = cells[cells.length - 1];
    const before = Math.abs(productOf(factors));
    const further = stop.next.map(({ to, slope }) => ({
      bound: before * Math.abs(slope) * to.best,
      cells: [...cells, to],
      factors: [...factors, slope],
      ends: false,
    }));
    if (stop.last) {
      const bound = before * Math.abs(stop.last);
      further.push({ bound, cells, factors: [...factors, stop.last], ends: true });
    }
    for (const one of further) if (one.bound > 0) insertByBound(open, one);
    if (open.length > 4 * most) open.splice(0, open.length - 4 * most);
  }
  return found;
}

/** @template {{bound: number}} T @param {T[]} sorted @param {T} one */
function insertByBound(sorted, one) {
  let k = sorted.length;
  while (k && sorted[k - 1].bound > one.bound) k--;
  sorted.splice(k, 0, one);
}
