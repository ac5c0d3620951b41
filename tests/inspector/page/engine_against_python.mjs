/**
 * Holds the page's own passes against the arrays that Python recorded.
 *
 * Reads from stdin a JSON list of {scene, arrays: {key: [numbers]}, bugs: [names], from}, a network
 * each, in which numbers that JSON lacks are texts; `from` is the scene and the arrays that the pass
 * begins with, if they are others. Writes a JSON list of {KEY: worst error} for each, where an error is
 * |page − Python| / max(1, |Python|). The update is held against Python's from Python's own gradients,
 * since a quotient of tiny numbers makes rounding errors large.
 */
import { ndarray } from "../../../src/chainrule/inspector/page/arrays.js";
import { engineBugs } from "../../../src/chainrule/inspector/page/bugs.js";
import { pass, reasonAgainst } from "../../../src/chainrule/inspector/page/engine/engine.js";
import { updateFrom } from "../../../src/chainrule/inspector/page/engine/update.js";

const same = (a, b) =>
  Number.isFinite(b) ? Math.abs(a - b) / Math.max(1, Math.abs(b)) : Object.is(a, b) ? 0 : Infinity;

const worst = (ours, theirs) => {
  if (!ours) return `no array`;
  if (ours.shape.join() !== theirs.shape.join()) return `shape ${ours.shape}, not ${theirs.shape}`;
  let most = 0;
  for (let k = 0; k < theirs.data.length; k++)
    most = Math.max(most, same(ours.data[k], theirs.data[k]));
  return most;
};

const arraysOf = ({ scene, arrays }) =>
  new Map(scene.arrays.map(({ key, shape }) => [key, ndarray(shape, arrays[key].map(Number))]));

function held({ scene, arrays, bugs, from }) {
  const against = reasonAgainst(scene);
  if (against) throw new Error(against);
  const python = arraysOf({ scene, arrays });
  const beginning = from ?? { scene, arrays };
  const found = pass(beginning.scene, arraysOf(beginning), engineBugs(bugs ?? []));
  const trained = new Set(
    scene.layers.flatMap(({ name, parameters }) =>
      parameters.filter((one) => one.trained).map((one) => `${name}.${one.name}_new`),
    ),
  );
  // L-BFGS alone, which searches along a line, leaves its update to Python.
  const infos = scene.arrays.filter(
    ({ key }) => scene.optimizer.type !== "lbfgs" || !trained.has(key),
  );
  const keys = infos.map(({ key }) => key);
  const errors = Object.fromEntries(
    keys
      .filter((key) => !key.endsWith("_new"))
      .map((key) => [key, worst(found.arrays.get(key), python.get(key))]),
  );
  const updated = updateFrom(scene, python);
  for (const key of keys.filter((one) => one.endsWith("_new")))
    errors[key] = worst((trained.has(key) ? updated : found.arrays).get(key), python.get(key));
  if (found.scene.arrays.length !== infos.length)
    errors.arrays = `${found.scene.arrays.length}, not ${infos.length}`;
  infos.forEach((info, k) => {
    const [ours, theirs] = [found.scene.arrays[k], info].map((one) => JSON.stringify(one));
    if (ours !== theirs) errors[`array ${k}`] = `${ours}, not ${theirs}`;
  });
  for (const name of ["lengths", "targets"])
    if (JSON.stringify(found.scene[name]) !== JSON.stringify(scene[name])) errors[name] = "differ";
  return errors;
}

let text = "";
for await (const part of process.stdin) text += part;
console.log(JSON.stringify(JSON.parse(text).map(held)));
