/**
 * The activations and their slopes in the page, at numbers that Python gives.
 *
 * Reads from stdin a JSON list of {named, z: [numbers as texts]}; writes for each {value, slope}, lists
 * of texts.
 */
import {
  derivativeOf,
  functionOf,
} from "../../../src/chainrule/inspector/page/engine/activations.js";

let text = "";
for await (const part of process.stdin) text += part;
const found = JSON.parse(text).map(({ named, z }) => ({
  value: z.map((one) => String(functionOf(named).f(Number(one)))),
  slope: z.map((one) => String(derivativeOf(named).f(Number(one)))),
}));
console.log(JSON.stringify(found));
