/** The source of a page without a server: the numbers that the page carries, and its own engine. */
import { flatIndex, ndarray } from "./arrays.js";

/**
 * @typedef {import("./source.js").Source} Source
 * @typedef {import("./source.js").Pass} Pass
 */

/** The bytes of an element that holds them in base64.
 * @param {string} id @returns {Float64Array} */
function numbersIn(id) {
  const text = atob(document.getElementById(id)?.textContent?.trim() ?? "");
  return new Float64Array(Uint8Array.from(text, (sign) => sign.charCodeAt(0)).buffer);
}

/** @returns {Source} */
export function localSource() {
  const scene = JSON.parse(document.getElementById("scene")?.textContent ?? "{}");
  const numbers = numbersIn("numbers");
  const arrays = new Map();
  let start = 0;
  for (const { key, shape } of scene.arrays) {
    const array = ndarray(
      shape,
      numbers.subarray(
        start,
        start + shape.reduce((/** @type {number} */ a, /** @type {number} */ b) => a * b, 1),
      ),
    );
    arrays.set(key, array);
    start += array.data.length;
  }
  const pass = passOf(scene, arrays, scene.loss_value);
  return { scene, isLive: false, pass: async () => pass };
}

/** A pass of which every number is there.
 * @param {import("./scene.js").Scene} scene @param {Map<string, import("./arrays.js").NdArray>} arrays
 * @param {number} loss @returns {Pass} */
export function passOf(scene, arrays, loss) {
  return {
    scene,
    loss,
    read: (key, at) => {
      const array = arrays.get(key);
      return array?.data[flatIndex(array.shape, at)];
    },
    need: async () => {},
    levels: (key) => {
      const { shape, data } = /** @type {import("./arrays.js").NdArray} */ (arrays.get(key));
      const largest = data.reduce(
        (most, x) => (Number.isFinite(x) ? Math.max(most, Math.abs(x)) : most),
        0,
      );
      return { shape, data, scale: 1, largest };
    },
  };
}
