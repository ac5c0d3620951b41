/**
 * Programs of NumPy for cells of every operation of scenes.
 *
 * Reads from stdin a JSON list of {scene, arrays: {key: [numbers]}}; writes for each a list of
 * {target, at, program, value, unknown}, of the first cell, the last one and one between.
 */
import { flatIndex, placeOf, sizeOf } from "../../../src/chainrule/inspector/page/arrays.js";
import { partsOf } from "../../../src/chainrule/inspector/page/expressions.js";
import { numpyNeeds, numpyProgram } from "../../../src/chainrule/inspector/page/numpy.js";
import { operationsOf } from "../../../src/chainrule/inspector/page/operations/operations.js";
import { pythonCall } from "../../../src/chainrule/inspector/page/python.js";

/** The functions of an expression that Python is not told of, so that their values are put in. */
function unknownIn(one) {
  const own =
    one.kind === "call" &&
    one.name !== "argmax" &&
    !pythonCall(one.name, one.inputs.map(String), {})
      ? [one.name]
      : [];
  return [...own, ...partsOf(one).flatMap(unknownIn)];
}

function programsOf({ scene, arrays }) {
  const shapes = Object.fromEntries(scene.arrays.map((one) => [one.key, one.shape]));
  const read = (key, at) => Number(arrays[key][flatIndex(shapes[key], at)]);
  return operationsOf(scene).flatMap((operation) => {
    const { target } = operation;
    const size = sizeOf(shapes[target]);
    return [...new Set([0, Math.floor(size / 2), size - 1])].map((k) => {
      const at = placeOf(shapes[target], k);
      const loaded = numpyNeeds(scene, operation, at).map(({ key }) => key);
      const readLoaded = (key, place) => (loaded.includes(key) ? read(key, place) : undefined);
      const program = numpyProgram(scene, operation, at, readLoaded);
      const unknown = [...new Set(unknownIn(operation.expression(at)))];
      return { target, at, program, value: String(read(target, at)), unknown };
    });
  });
}

let text = "";
for await (const part of process.stdin) text += part;
console.log(JSON.stringify(JSON.parse(text).map(programsOf)));
