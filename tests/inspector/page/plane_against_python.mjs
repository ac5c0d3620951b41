/**
 * Holds the page's planes and frames against Python's.
 *
 * Reads {scene, arrays, frames, wanted: [...]} from stdin; writes for each wanted plane its sheets,
 * and for each frame its parameters by key.
 */
import { ndarray } from "../../../src/chainrule/inspector/page/arrays.js";
import { frameParameters } from "../../../src/chainrule/inspector/page/frames.js";
import { planeFromEngine } from "../../../src/chainrule/inspector/page/plane.js";

let text = "";
for await (const part of process.stdin) text += part;
const { scene, arrays, frames, wanted } = JSON.parse(text);
const given = new Map(
  scene.arrays.map(({ key, shape }) => [key, ndarray(shape, Float64Array.from(arrays[key]))]),
);
const carried = Float64Array.from(frames);
const planes = wanted.map((one) => {
  const own = frameParameters(scene, carried, one.frame);
  const sheets = planeFromEngine(scene, new Map([...given, ...own]), one);
  return Object.fromEntries(
    [...sheets].map(([name, { shape, data, largest }]) => [
      name,
      { shape, data: [...data], largest },
    ]),
  );
});
console.log(JSON.stringify(planes));
