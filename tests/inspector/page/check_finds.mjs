/**
 * The page's own gradient check of passes with bugs.
 *
 * Reads from stdin a JSON list of {scene, arrays: {key: [numbers]}, bugs: [names]}, as
 * engine_against_python.mjs does, and writes a JSON list of the rows of each check.
 */
import { ndarray } from "../../../src/chainrule/inspector/page/arrays.js";
import { engineBugs } from "../../../src/chainrule/inspector/page/bugs.js";
import { checkedByEngine } from "../../../src/chainrule/inspector/page/check.js";
import { pass } from "../../../src/chainrule/inspector/page/engine/engine.js";

async function checked({ scene, arrays, bugs }) {
  const given = new Map(
    scene.arrays.map(({ key, shape }) => [key, ndarray(shape, arrays[key].map(Number))]),
  );
  const found = pass(scene, given, engineBugs(bugs ?? []));
  return checkedByEngine(found.scene, found.arrays);
}

let text = "";
for await (const part of process.stdin) text += part;
const all = [];
for (const one of JSON.parse(text)) all.push(await checked(one));
console.log(JSON.stringify(all));
