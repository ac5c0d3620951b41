/**
 * Where windows stand on images: size, stride and padding, as `nn/images/geometry.py` has them.
 *
 * Rows and columns are alike, each a `Side`. Window i begins at line i · stride − before of the
 * image; what it covers outside the image is padding.
 *
 * @typedef {import("./scene.js").SceneLayer} SceneLayer
 *
 * @typedef {Object} Side  one direction: the rows of the image, or its columns
 * @property {number} length of the image
 * @property {number} size of a window
 * @property {number} stride from one window to the next
 * @property {number} before the padding above the image, or on its left
 * @property {number} places the number of windows
 */

/** @param {SceneLayer} layer @param {0 | 1} axis @returns {Side} */
function sideOf({ options, input_shape, output_shape }, axis) {
  const [size, stride] = [options.size[axis], options.stride[axis]];
  const [length, places] = [input_shape[axis + 1], output_shape[axis + 1]];
  const same = Math.floor(Math.max((places - 1) * stride + size - length, 0) / 2);
  const { padding } = options;
  const before = padding === "same" ? same : padding === "valid" ? 0 : padding[axis];
  return { length, size, stride, before, places };
}

/** The windows of a layer of filters or of pooling: the rows, and the columns.
 * @param {SceneLayer} layer @returns {[Side, Side]} */
export const windowsOf = (layer) => [sideOf(layer, 0), sideOf(layer, 1)];

/** The line of the image under position p of window i; outside 0 … length − 1 it is padding.
 * @param {Side} side @param {number} i @param {number} p @returns {number} */
export const lineUnder = ({ stride, before }, i, p) => i * stride + p - before;

/** The position of a line of the image in window i.
 * @param {Side} side @param {number} i @param {number} line @returns {number} */
export const positionIn = ({ stride, before }, i, line) => line - i * stride + before;

/** The lines of the image that window i covers, as a half-open range.
 * @param {Side} side @param {number} i @returns {[number, number]} */
export function linesUnder(side, i) {
  const start = lineUnder(side, i, 0);
  return [Math.max(start, 0), Math.min(start + side.size, side.length)];
}

/** The positions in window i that lie on the image, as a half-open range.
 * @param {Side} side @param {number} i @returns {[number, number]} */
export function positionsOnImage(side, i) {
  const [first, stop] = linesUnder(side, i);
  return [positionIn(side, i, first), positionIn(side, i, stop)];
}

/** The windows that cover a line of the image, as a half-open range.
 * @param {Side} side @param {number} line @returns {[number, number]} */
export function windowsOver({ size, stride, before, places }, line) {
  const first = Math.max(Math.ceil((line + before - size + 1) / stride), 0);
  return [first, Math.min(Math.floor((line + before) / stride) + 1, places)];
}

/** The windows of which position p lies on the image, as a half-open range.
 * @param {Side} side @param {number} p @returns {[number, number]} */
export function windowsOnImage({ length, stride, before, places }, p) {
  const first = Math.max(Math.ceil((before - p) / stride), 0);
  return [first, Math.min(Math.floor((length - 1 + before - p) / stride) + 1, places)];
}

/** Whether a window covers padding.
 * @param {[Side, Side]} sides @returns {boolean} */
export const hasPadding = (sides) =>
  sides.some(({ before, stride, size, length, places }) => {
    return before > 0 || (places - 1) * stride + size > length;
  });

/** The numbers of a half-open range, which is empty where its end is not behind its start.
 * @param {[number, number]} range @returns {number[]} */
export const indicesIn = ([start, stop]) =>
  Array.from({ length: Math.max(stop - start, 0) }, (_, k) => start + k);
