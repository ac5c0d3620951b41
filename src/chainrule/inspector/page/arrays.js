/**
 * Arrays of numbers with a shape, and places in them.
 *
 * @typedef {{shape: number[], data: Float64Array}} NdArray  row-major, like NumPy's
 * @typedef {number[]} Place  an index on each axis, counted from 0
 * @typedef {(number | [number, number] | null)[]} Region  on each axis an index, a half-open range,
 *   or null for the whole axis
 */

/** A number within bounds. @param {number} x @param {number} low @param {number} high */
export const clamped = (x, low, high) => Math.min(Math.max(x, low), high);

/** The number of cells of a shape.
 * @param {number[]} shape @returns {number} */
export function sizeOf(shape) {
  return shape.reduce((product, length) => product * length, 1);
}

/** An array of a shape; of zeros where no numbers are given.
 * @param {number[]} shape @param {Float64Array | number[]} [data] @returns {NdArray} */
export function ndarray(shape, data) {
  const numbers = data instanceof Float64Array ? data : Float64Array.from(data ?? []);
  return { shape, data: data ? numbers : new Float64Array(sizeOf(shape)) };
}

/** The flat index of a place.
 * @param {number[]} shape @param {Place} at @returns {number} */
export function flatIndex(shape, at) {
  let index = 0;
  for (let axis = 0; axis < shape.length; axis++) index = index * shape[axis] + at[axis];
  return index;
}

/** The place of a flat index.
 * @param {number[]} shape @param {number} index @returns {Place} */
export function placeOf(shape, index) {
  const at = new Array(shape.length);
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    at[axis] = index % shape[axis];
    index = Math.floor(index / shape[axis]);
  }
  return at;
}

/** Each place of a region, in row-major order.
 * @param {number[]} shape @param {Region} region @returns {Generator<Place>} */
export function* placesIn(shape, region) {
  const ranges = shape.map((length, axis) => {
    const one = region[axis] ?? [0, length];
    return typeof one === "number" ? [one, one + 1] : one;
  });
  if (ranges.some(([start, stop]) => start >= stop)) return;
  const at = ranges.map(([start]) => start);
  while (true) {
    yield [...at];
    let axis = at.length - 1;
    while (axis >= 0 && ++at[axis] >= ranges[axis][1]) {
      at[axis] = ranges[axis][0];
      axis--;
    }
    if (axis < 0) return;
  }
}

/** Whether a place lies in a region.
 * @param {Region} region @param {Place} at @returns {boolean} */
export function isIn(region, at) {
  return region.every((one, axis) => {
    if (one === null || one === undefined) return true;
    return typeof one === "number" ? one === at[axis] : one[0] <= at[axis] && at[axis] < one[1];
  });
}

/** The largest size of a number that is finite.
 * @param {Float64Array} data @returns {number} */
export function largestIn(data) {
  let most = 0;
  for (let k = 0; k < data.length; k++) {
    const size = Math.abs(data[k]);
    if (size > most && size < Number.POSITIVE_INFINITY) most = size;
  }
  return most;
}
