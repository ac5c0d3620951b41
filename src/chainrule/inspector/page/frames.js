/**
 * The film of a training: its frames, each the parameters of the network after an epoch.
 *
 * @typedef {Object} FilmFrame
 * @property {number} id what `view.frame` says
 * @property {number} epoch how many epochs had run
 * @property {[number | null, number | null]} losses of training and of validation
 *
 * @typedef {Object} Film
 * @property {FilmFrame[]} frames in order
 * @property {{epochs: number[], train: (number | null)[], validation: (number | null)[]}} curve
 * @property {number | null} own the frame whose parameters the network has as it came
 * @property {string[]} parameters keys of the parameters, in the order in which a frame holds them
 * @property {string} note where the frames come from
 * @property {number | null} [epochs] how many epochs a training that runs will have
 * @property {{state: "training" | "finished" | "stopped" | "failed", text: string,
 *   can_stop: boolean}} [live] of a training that is followed
 */
import { ndarray, sizeOf } from "./arrays.js";
import { infoOf } from "./scene.js";

/** The parameters of a frame that the page carries, by key.
 * @param {import("./scene.js").Scene} scene @param {Float64Array} carried those of all frames
 * @param {number} id @returns {Map<string, import("./arrays.js").NdArray>} */
export function frameParameters(scene, carried, id) {
  const { frames, parameters } = scene.film ?? { frames: [], parameters: [] };
  const place = frames.findIndex((frame) => frame.id === id);
  if (place < 0) throw new Error(`This page's film has no frame ${id}.`);
  let start = (place * carried.length) / frames.length;
  const found = new Map();
  for (const key of parameters) {
    const shape = infoOf(scene, key)?.shape ?? [];
    const end = start + sizeOf(shape);
    found.set(key, ndarray(shape, carried.slice(start, end)));
    start = end;
  }
  return found;
}

/** The frame that the view shows: the one chosen or, where it is no longer there, the last before
 * it; else the one of the network as it came.
 * @param {Film} film @param {number | null} id @returns {number} its index; the last where none is */
export function indexOfFrame(film, id) {
  const wanted = id ?? film.own;
  const found = film.frames.findLastIndex((frame) => wanted !== null && frame.id <= wanted);
  return found < 0 ? film.frames.length - 1 : found;
}

/** Where an epoch lies between the first frame (0) and the last (1), on a line on which all frames
 * are equally far apart, as on the slider.
 * @param {Film} film @param {number} epoch @returns {number} */
export function placeOfEpoch({ frames }, epoch) {
  const last = frames.length - 1;
  const after = frames.findIndex((frame) => frame.epoch >= epoch);
  if (after < 0 || !last) return 1;
  if (after === 0) return 0;
  const from = frames[after - 1].epoch;
  return (after - 1 + (epoch - from) / (frames[after].epoch - from)) / last;
}

/** The index of the frame nearest to a place between 0 and 1 on that line.
 * @param {Film} film @param {number} place @returns {number} */
export function frameAtPlace({ frames }, place) {
  const last = frames.length - 1;
  return Math.min(last, Math.max(0, Math.round(place * last)));
}
