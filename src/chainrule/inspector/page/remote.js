/** The source of a page that a server on this machine answers: Python computes every number. */
import { flatIndex, placesIn, sizeOf } from "./arrays.js";

/**
 * @typedef {import("./source.js").Source} Source
 * @typedef {import("./source.js").Pass} Pass
 * @typedef {import("./source.js").PassWanted} PassWanted
 * @typedef {import("./source.js").Levels} Levels
 * @typedef {import("./arrays.js").NdArray} NdArray
 * @typedef {import("./arrays.js").Region} Region
 * @typedef {import("./scene.js").Scene} Scene
 * @typedef {{key: string, region: Region}} Wanted
 * @typedef {{data: Float64Array, known: Uint8Array}} Patches  the numbers of an array that are there
 * @typedef {(path: string, body: unknown) => Promise<ArrayBuffer>} Ask
 * @typedef {{key: string, shape: number[], start: number, scale: number, largest: number}} Packed
 */

const MOST_PASSES = 6;
const MOST_REGIONS = 200;
/** So many regions that were asked for lately are asked for together with the next pass. */
const MOST_ALONG = 8;

/** Ask the server; its refusals become errors that say why.
 * @param {string} token @returns {Ask} */
function askWith(token) {
  return async (path, body) => {
    let answer;
    try {
      answer = await fetch(path, {
        method: "POST",
        headers: { "Content-Type": "application/json", "X-Chainrule-Token": token },
        body: JSON.stringify(body),
      });
    } catch {
      throw new Error("chainrule inspect no longer answers: it has ended. Start it again.");
    }
    if (answer.ok) return answer.arrayBuffer();
    if (answer.status === 401)
      throw new Error("Open this page by the whole address that chainrule inspect prints.");
    throw new Error((await answer.json()).error);
  };
}

/** What `packing.py` packs: a header, and the bytes of each array by key.
 * @param {ArrayBuffer} bytes */
function unpacked(bytes) {
  const length = new DataView(bytes).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(bytes, 4, length)));
  /** @type {Map<string, Levels>} */
  const arrays = new Map();
  for (const { key, shape, start, scale, largest } of /** @type {Packed[]} */ (header.arrays)) {
    const [Kind, unit] = scale === 0 ? [Float64Array, 1] : [Int8Array, scale];
    const data = new Kind(bytes, 4 + length + start, sizeOf(shape));
    arrays.set(key, { shape, data, scale: unit, largest });
  }
  return { header, arrays };
}

/** The contiguous runs of numbers that make up a region: where each starts, and its length.
 * @param {number[]} shape @param {Region} region @returns {[number, number][]} */
function runsOf(shape, region) {
  if (!shape.length) return [[0, 1]];
  const last = shape.length - 1;
  const along = region[last] ?? [0, shape[last]];
  const [start, stop] = typeof along === "number" ? [along, along + 1] : along;
  if (start >= stop) return [];
  const firsts = placesIn(shape, [...region.slice(0, last), start]);
  return Array.from(firsts, (at) => [flatIndex(shape, at), stop - start]);
}

/** A pass of which the large arrays are there in levels, and exactly where it was asked for. */
class RemotePass {
  /** @param {Ask} ask @param {PassWanted} of @param {Scene} scene @param {number} loss
   * @param {Map<string, Levels>} arrays */
  constructor(ask, of, scene, loss, arrays) {
    this.ask = ask;
    this.of = of;
    this.scene = scene;
    this.loss = loss;
    this.arrays = arrays;
    /** @type {Map<string, Patches>} */
    this.patches = new Map();
    /** What was asked for lately, the latest last. @type {Wanted[]} */
    this.lately = [];
  }

  /** @param {string} key @returns {Levels} */
  levels(key) {
    return /** @type {Levels} */ (this.arrays.get(key));
  }

  /** @param {string} key @param {number[]} at @returns {number | undefined} */
  read(key, at) {
    const array = this.arrays.get(key);
    if (!array) return undefined;
    const index = flatIndex(array.shape, at);
    if (array.data instanceof Float64Array) return array.data[index];
    const patches = this.patches.get(key);
    return patches?.known[index] ? patches.data[index] : undefined;
  }

  /** @param {Wanted[]} wanted @returns {Promise<void>} */
  async need(wanted) {
    const lacking = wanted.filter((one) => this.lacks(one));
    for (let k = 0; k < lacking.length; k += MOST_REGIONS) {
      const some = lacking.slice(k, k + MOST_REGIONS);
      const bytes = await this.ask("/numbers", { of: this.of, wanted: some });
      this.keepAll(some, unpacked(bytes).arrays);
    }
  }

  /** Keep the numbers of regions that have come.
   * @param {Wanted[]} wanted @param {Map<string, Levels>} arrays by the place of a region */
  keepAll(wanted, arrays) {
    wanted.forEach((one, n) => {
      const data = arrays.get(String(n))?.data;
      if (!(data instanceof Float64Array)) return;
      this.keep(one, data);
      this.lately = [...this.lately, one].slice(-MOST_ALONG);
    });
  }

  /** Whether a number of a region is not there. @param {Wanted} wanted */
  lacks({ key, region }) {
    const array = this.arrays.get(key);
    if (!array || array.data instanceof Float64Array) return false;
    const known = this.patches.get(key)?.known;
    return runsOf(array.shape, region).some(
      ([start, length]) => !known || known.subarray(start, start + length).includes(0),
    );
  }

  /** Put the numbers of a region, in their order, where they belong.
   * @param {Wanted} wanted @param {Float64Array} numbers */
  keep({ key, region }, numbers) {
    const { shape } = this.levels(key);
    const size = sizeOf(shape);
    const patches = this.patches.get(key) ?? {
      data: new Float64Array(size),
      known: new Uint8Array(size),
    };
    this.patches.set(key, patches);
    let from = 0;
    for (const [start, length] of runsOf(shape, region)) {
      patches.data.set(numbers.subarray(from, from + length), start);
      patches.known.fill(1, start, start + length);
      from += length;
    }
  }
}

/** Hear the events of a training that runs; of those that have come at once the latest.
 * @param {string} token @param {(film: import("./frames.js").Film) => void} heard
 * @returns {Promise<void>} */
async function followEvents(token, heard) {
  const answer = await fetch("/live", { headers: { "X-Chainrule-Token": token } });
  if (!answer.ok || !answer.body) throw new Error("The training cannot be followed.");
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  let state = "training";
  while (true) {
    const { value, done } = await reader.read();
    if (done) break;
    const parts = (rest + value).split("\n\n");
    rest = parts.pop() ?? "";
    const latest = parts.findLast((part) => part.startsWith("data: "));
    if (!latest) continue;
    const film = JSON.parse(latest.slice(6));
    state = film.live.state;
    heard(film);
  }
  if (state === "training") throw new Error("The training is no longer told of.");
}

/** The source that asks the server of this page by the token of its address.
 * @returns {Promise<Source>} */
export async function remoteSource() {
  // encoded: a header cannot hold every sign that someone may have typed
  const token = encodeURIComponent(new URLSearchParams(location.hash.slice(1)).get("token") ?? "");
  const ask = askWith(token);
  /** @type {Map<string, Promise<Pass>>} */
  const passes = new Map();
  /** @type {Scene | null} */
  let first = null;
  /** @type {RemotePass | null} */
  let latest = null;
  const load = async (/** @type {PassWanted} */ wanted) => {
    const also = latest?.lately ?? [];
    const { header, arrays } = unpacked(await ask("/pass", { ...wanted, also }));
    const scene = header.scene ?? { ...first, loss_value: header.loss };
    latest = new RemotePass(
      ask,
      wanted,
      scene,
      arrays.get("loss.value")?.data[0] ?? header.loss,
      arrays,
    );
    latest.keepAll(also, arrays);
    return latest;
  };
  const pass = (/** @type {PassWanted} */ wanted) => {
    const key = JSON.stringify(wanted);
    const found = passes.get(key) ?? load(wanted);
    passes.delete(key);
    passes.set(key, found);
    found.catch(() => passes.delete(key));
    if (passes.size > MOST_PASSES) passes.delete(passes.keys().next().value ?? "");
    return found;
  };
  first = (await pass({ edits: [], bugs: [], frame: null, only: null })).scene;
  const plane = async (/** @type {import("./plane.js").PlaneWanted} */ wanted) =>
    unpacked(await ask("/plane", wanted)).arrays;
  const gradientCheck = async (/** @type {PassWanted} */ wanted) => {
    const { rows } = unpacked(await ask("/check", wanted)).header;
    const number = (/** @type {number | null} */ one) => one ?? Number.NaN;
    return rows.map((/** @type {import("./source.js").CheckRow} */ row) => ({
      ...row,
      error: number(row.error),
      analytic: number(row.analytic),
      numeric: number(row.numeric),
    }));
  };
  return {
    scene: first,
    isLive: true,
    pass,
    plane,
    gradientCheck,
    planesReason: null,
    follow: (heard) => followEvents(token, heard),
    stop: () => ask("/stop", {}),
  };
}
