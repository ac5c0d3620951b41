/** The source of a page without a server: the numbers that the page carries, and its own engine. */
import { flatIndex, largestIn, ndarray, sizeOf } from "./arrays.js";
import { engineBugs } from "./bugs.js";
import { checkedByEngine } from "./check.js";
import { beginningOf } from "./edited.js";
import { pass, reasonAgainst } from "./engine/engine.js";
import { frameParameters } from "./frames.js";
import { planeFromEngine, reasonAgainstPlanes } from "./plane.js";

/**
 * @typedef {import("./source.js").Source} Source
 * @typedef {import("./source.js").Pass} Pass
 * @typedef {import("./arrays.js").NdArray} NdArray
 * @typedef {import("./scene.js").Scene} Scene
 * @typedef {{scene: Scene, arrays: Map<string, NdArray>, frames: Float64Array | null}} Carried  what
 *   the page carries; the frames hold the parameters of each
 */

/** So many passes are kept, so that undo and ghosts need not compute them again. */
const MOST_COMPUTED = 8;

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

/** The arrays that the page carries, by key.
 * @param {Scene} scene @returns {Promise<Map<string, NdArray>>} */
async function carriedArrays(scene) {
  const numbers = await numbersIn("numbers");
  const arrays = new Map();
  let start = 0;
  for (const { key, shape } of scene.arrays) {
    const end = start + sizeOf(shape);
    arrays.set(key, ndarray(shape, numbers.subarray(start, end)));
    start = end;
  }
  return arrays;
}

/** @returns {Promise<Source>} */
export async function localSource() {
  const scene = JSON.parse(document.getElementById("scene")?.textContent ?? "{}");
  const arrays = await carriedArrays(scene);
  const frames = document.getElementById("frames") ? await numbersIn("frames") : null;
  const carried = { scene, arrays, frames };
  const first = passOf(scene, arrays, arrays.get("loss.value")?.data[0] ?? NaN);
  /** @type {Map<string, Pass>} the last passes, the latest last */
  const known = new Map();
  let latestCheck = 0;
  return {
    scene,
    isLive: false,
    pass: async (wanted) => {
      const { edits, bugs, only, frame } = wanted;
      if (!edits.length && !bugs.length && only === null && frame === null) return first;
      const name = JSON.stringify(wanted);
      const found = known.get(name) ?? computedPass(carried, wanted);
      known.delete(name);
      known.set(name, found);
      if (known.size > MOST_COMPUTED) known.delete(known.keys().next().value ?? "");
      return found;
    },
    plane: async (wanted) => {
      const beginning = beginningFor(carried, { ...wanted.of, only: null });
      return planeFromEngine(beginning.scene, beginning.arrays, wanted);
    },
    planesReason: reasonAgainstPlanes(scene),
    follow: async () => {},
    stop: async () => {},
    gradientCheck: async (wanted) => {
      const found = enginePass(carried, wanted);
      const mine = ++latestCheck;
      return checkedByEngine(found.scene, found.arrays, () => mine === latestCheck);
    },
  };
}

/** What a wanted pass begins with: the parameters of its frame, and then its edits.
 * @param {Carried} carried @param {import("./source.js").PassWanted} wanted */
function beginningFor({ scene, arrays, frames }, { frame, edits, only }) {
  if (frame !== null && !frames) throw new Error("This page carries no film of the training.");
  const own = frame !== null && frames ? frameParameters(scene, frames, frame) : [];
  return beginningOf(scene, new Map([...arrays, ...own]), edits, only);
}

/** @param {Carried} carried @param {import("./source.js").PassWanted} wanted */
function enginePass(carried, wanted) {
  const reason = reasonAgainst(carried.scene);
  if (reason) throw new Error(reason);
  const { scene, arrays } = beginningFor(carried, wanted);
  return pass(scene, arrays, engineBugs(wanted.bugs));
}

/** A pass computed by the engine of the page.
 * @param {Carried} carried @param {import("./source.js").PassWanted} wanted @returns {Pass} */
export function computedPass(carried, wanted) {
  const { scene, arrays, loss } = enginePass(carried, wanted);
  return passOf(scene, arrays, loss);
}

/** A pass of which every number is there.
 * @param {Scene} scene @param {Map<string, NdArray>} arrays
 * @param {number} loss @returns {Pass} */
function passOf(scene, arrays, loss) {
  /** @type {Map<string, import("./source.js").Levels>} */
  const levels = new Map();
  return {
    scene,
    loss,
    read: (key, at) => {
      const array = arrays.get(key);
      return array?.data[flatIndex(array.shape, at)];
    },
    need: async () => {},
    levels: (key) => {
      const known = levels.get(key);
      if (known) return known;
      const { shape, data } = /** @type {NdArray} */ (arrays.get(key));
      const found = { shape, data, scale: 1, largest: largestIn(data) };
      levels.set(key, found);
      return found;
    },
  };
}
