/** Cells to predict: which are asked, and how an answer is marked; and bugs to find.
 *
 * @typedef {import("./scene.js").BugTold} BugTold
 */

import { flatIndex, placeOf, sizeOf } from "./arrays.js";

/** Random numbers from 0 to 1 that a seed repeats.
 * @param {number} seed @returns {() => number} */
export function randomFrom(seed) {
  let state = (seed * 0x9e3779b9 + 0x6d2b79f5) >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A bug that is not told, and those that it might be: the same ones for the same number.
 * @param {BugTold[]} bugs @param {number} seed @returns {{bug: BugTold, choices: BugTold[]}} */
export function huntOf(bugs, seed) {
  const random = randomFrom(seed);
  const left = [...bugs];
  const [bug, ...others] = [0, 0, 0, 0].flatMap(() =>
    left.splice(Math.floor(random() * left.length), 1),
  );
  return { bug, choices: [bug, ...others].sort((a, b) => a.title.localeCompare(b.title)) };
}

/** A few places of an array, in the case shown where it is of cases.
 * @param {number[]} shape @param {boolean} ofCases @param {number} case_ @param {number} seed
 * @param {number} [many] @returns {import("./arrays.js").Place[]} */
export function askedPlaces(shape, ofCases, case_, seed, many = 3) {
  const size = ofCases ? sizeOf(shape.slice(1)) : sizeOf(shape);
  const first = ofCases
    ? flatIndex(shape, [Math.min(case_, shape[0] - 1), ...shape.slice(1).map(() => 0)])
    : 0;
  const random = randomFrom(seed);
  /** @type {Set<number>} */
  const chosen = new Set();
  while (chosen.size < Math.min(many, size)) chosen.add(Math.floor(random() * size));
  return [...chosen].map((index) => placeOf(shape, first + index));
}

/** The number that a user wrote, such as −0.25, 1,5 or 2·10^-3; NaN if it is none.
 * @param {string} text @returns {number} */
export function numberWritten(text) {
  const plain = text
    .trim()
    .replaceAll("−", "-")
    .replace(/^([^.,]*),([^.,]*)$/, "$1.$2")
    .replace(/\s*[·*×]\s*10\s*\^\s*\(?\s*([+-]?\d+)\s*\)?$/, "e$1");
  return plain === "" ? Number.NaN : Number(plain);
}

/** How far from a value an answer may be: half of the second significant digit.
 * @param {number} value @returns {number} */
export function tolerance(value) {
  if (value === 0 || !Number.isFinite(value)) return 5e-7;
  return 0.5000001 * 10 ** (Math.floor(Math.log10(Math.abs(value))) - 1);
}

/** What is to be said of an answer; "" if it is right.
 * @param {number} answer @param {number} value @param {{name: string, value: number}[]} addends what
 *   may have been forgotten
 * @param {number} [within] how far from the value it may be
 * @returns {string} */
export function faultOf(answer, value, addends, within = tolerance(value)) {
  const scale = within / tolerance(value);
  const near = (/** @type {number} */ wanted) =>
    Math.abs(answer - wanted) <= scale * tolerance(wanted);
  if (near(value)) return "";
  if (Number.isNaN(answer)) return "That is no number. Write one such as −0.25.";
  if (near(-value)) return "The size is right, the sign is not.";
  const forgotten = addends.find((one) => one.value !== 0 && near(value - one.value));
  if (forgotten) return `Almost: ${forgotten.name.replace(/^−/, "")} is missing.`;
  const turned = addends.find((one) => one.value !== 0 && near(value - 2 * one.value));
  if (turned) return `Almost: look at the sign of ${turned.name.replace(/^−/, "")}.`;
  const power = [-3, -2, -1, 1, 2, 3].find((one) => near(value * 10 ** one));
  if (power !== undefined) return "The digits are right, the point is not where it should be.";
  if (Math.sign(answer) !== Math.sign(value) && value !== 0) return "Not yet: look at the sign.";
  return Math.abs(answer) > Math.abs(value) ? "Not yet: too large." : "Not yet: too small.";
}
