/** The source of a page without a server: the numbers that the page carries, and its own engine. */
import { flatIndex, ndarray, sizeOf } from "./arrays.js";
import { planeFromEngine, reasonAgainstPlanes } from "./plane.js";

/**
 * @typedef {import("./source.js").Source} Source
 * @typedef {import("./source.js").Pass} Pass
 */

/** The numbers of an element that holds them packed by gzip, in base64.
 * @param {string} id @returns {Promise<Float64Array>} */
async function numbersIn(id) {
  const text = atob(document.getElementById(id)?.textContent?.trim() ?? "");
  const packed = new Uint8Array(text.length);
  for (let k = 0; k < packed.length; k++) packed[k] = text.charCodeAt(k);
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Float64Array(await new Response(stream).arrayBuffer());
}

/** Whether the page carries its numbers. @returns {boolean} */
export function carriesNumbers() {
  return document.getElementById("numbers") !== null;
}

/** @returns {Promise<Source>} */
export async function localSource() {
  const scene = JSON.parse(document.getElementById("scene")?.textContent ?? "{}");
  const numbers = await numbersIn("numbers");
  const arrays = new Map();
  let start = 0;
  for (const { key, shape } of scene.arrays) {
    const end = start + sizeOf(shape);
    arrays.set(key, ndarray(shape, numbers.subarray(start, end)));
    start = end;
  }
  const pass = passOf(scene, arrays, scene.loss_value ?? NaN);
  return {
    scene,
    isLive: false,
    pass: async () => pass,
    plane: async (wanted) => planeFromEngine(scene, arrays, wanted),
    planesReason: reasonAgainstPlanes(scene),
  };
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
