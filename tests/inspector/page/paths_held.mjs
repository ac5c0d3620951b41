/**
 * Finds the paths of parameters to the loss in recorded passes.
 *
 * Reads from stdin a JSON list of {scene, arrays: {key: [numbers]}, cells: [{key, at}], most}; writes
 * for each a list of {total, count, only, products, recounted}: recounted is the sum over the paths
 * of the products of their factors.
 */
import { flatIndex } from "../../../src/chainrule/inspector/page/arrays.js";
import { operationsOf } from "../../../src/chainrule/inspector/page/operations/operations.js";
import { pathsOf } from "../../../src/chainrule/inspector/page/paths.js";

function found({ scene, arrays, cells, most }) {
  const shapes = Object.fromEntries(scene.arrays.map((one) => [one.key, one.shape]));
  const read = (key, at) => arrays[key][flatIndex(shapes[key], at)] ?? Number.NaN;
  const operations = operationsOf(scene);
  return cells.map((from) => {
    const { paths, total, count, only } = pathsOf({ scene, operations, read }, from, 0, most);
    const products = paths.map(({ product }) => product);
    const recounted = paths
      .map(({ factors }) => factors.reduce((all, factor) => all * factor, 1))
      .reduce((all, product) => all + product, 0);
    const lengths = paths.map((path) => path.cells.length);
    return { total, count, only, products, recounted, lengths };
  });
}

let text = "";
for await (const part of process.stdin) text += part;
console.log(JSON.stringify(JSON.parse(text).map(found)));
