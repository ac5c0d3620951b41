/**
 * Passes of the page's own engine with edits.
 *
 * Reads from stdin a JSON list of {scene, arrays: {key: [numbers]}, wanted: PassWanted}; writes for
 * each {loss, arrays: {key: [numbers]}, cases: [labels]}, or {refused: sentence}.
 */
import { ndarray } from "../../../src/chainrule/inspector/page/arrays.js";
import { computedPass } from "../../../src/chainrule/inspector/page/local.js";

/** JSON has no NaN and no infinity. */
const asJson = (one) => (Number.isFinite(one) ? one : String(one));

function editedPass({ scene, arrays, wanted }) {
  const known = scene.arrays.map(({ key, shape }) => [
    key,
    ndarray(shape, arrays[key].map(Number)),
  ]);
  try {
    const pass = computedPass({ scene, arrays: new Map(known), frames: null }, wanted);
    const found = pass.scene.arrays.map(({ key }) => [
      key,
      Array.from(pass.levels(key).data, asJson),
    ]);
    const letters = Object.fromEntries(pass.scene.arrays.map(({ key, letter }) => [key, letter]));
    const cases = pass.scene.cases.map(({ label }) => label);
    return { loss: pass.loss, arrays: Object.fromEntries(found), cases, letters };
  } catch (error) {
    return { refused: error.message };
  }
}

let text = "";
for await (const part of process.stdin) text += part;
console.log(JSON.stringify(JSON.parse(text).map(editedPass)));
