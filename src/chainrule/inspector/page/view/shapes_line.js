/** The shapes of an operation, as in z (32×128) = x (32×784) · W (784×128) + b (128). */

import { make } from "../dom.js";
import { functionOf } from "../engine/activations.js";
import { arrayName } from "../names.js";
import { infoOf } from "../scene.js";

/**
 * @typedef {import("../main.js").App} App
 * @typedef {import("../operations/operations.js").Operation} Operation
 */

/** Signs of NumPy and names of functions as formulas write them.
 * @type {[RegExp, string][]} */
const IN_FORMULAS = [
  [/ @ /g, " · "],
  [/ \* /g, " ⊙ "],
  [/ - /g, " − "],
  [/phi_slope/, "φ′"],
  [/phi/, "φ"],
];

/** The line of NumPy with the arrays' names and shapes; where it says them in other words, the
 * arrays are listed.
 * @param {App} app @param {Operation} step @returns {HTMLElement} */
export function shapesLine(app, step) {
  const known = identifiers(app, step);
  const activation = app.pass.scene.layers.find(({ name }) => name === step.layer)?.activation;
  const pieces = step.numpy.split(/([A-Za-z_][\w.]*)/);
  const isPlain = pieces.every((piece, k) =>
    k % 2
      ? known.has(bareName(piece)) || /^phi/.test(piece)
      : /^[\s=+@()-]*$|^ [*/] $/.test(piece),
  );
  const parts = pieces.map((piece, k) => {
    const key = k % 2 ? known.get(bareName(piece)) : undefined;
    if (key) return named(app, key, piece.endsWith(".T"));
    const symbol = activation ? functionOf(activation).symbol : "φ";
    const text = IN_FORMULAS.reduce(
      (all, [sign, shown]) => all.replace(sign, shown),
      piece,
    ).replace("φ", symbol);
    return document.createTextNode(text);
  });
  const listed = [
    named(app, step.target, false),
    document.createTextNode(" from "),
    ...step.reads.flatMap((key, k) => [
      document.createTextNode(k ? ", " : ""),
      named(app, key, false),
    ]),
  ];
  return make("p", { class: "shapes" }, ...(isPlain ? parts : listed));
}

/** @param {string} name */
const bareName = (name) => name.replace(/\.T$/, "");

/** An array's name with its shape.
 * @param {App} app @param {string} key @param {boolean} transposed @returns {HTMLElement} */
function named(app, key, transposed) {
  const shape = infoOf(app.pass.scene, key)?.shape ?? [];
  const sizes = (transposed ? shape.toReversed() : shape).join("×");
  return make(
    "span",
    { class: "shaped" },
    `${arrayName(app.pass.scene, key)}${transposed ? "ᵀ" : ""} `,
    make("span", { class: "shape", text: sizes ? `(${sizes})` : "(a number)" }),
  );
}

/** Which array each identifier of an operation's line of NumPy stands for.
 * @param {App} app @param {Operation} step @returns {Map<string, string>} */
function identifiers(app, step) {
  const { scene } = app.pass;
  const found = new Map();
  const layer = scene.layers.find((one) => one.name === step.layer);
  for (const key of step.reads) {
    const info = infoOf(scene, key);
    if (!info) continue;
    if (info.name === "out") found.set(info.letter, key);
    if (info.layer !== step.layer && info.name === "out") found.set("x", key);
    else if (info.name === "out") found.set("a", key).set("y", key);
    if (info.name !== "out") found.set(info.name, key);
    if (info.name === "J" && !found.has("delta")) found.set("delta", key);
  }
  if (layer && step.reads.includes(`${layer.name}.delta`))
    found.set("delta", `${layer.name}.delta`);
  const [left] = step.numpy.split(/\s*=/);
  if (/^[A-Za-z_]\w*$/.test(left)) found.set(left, step.target);
  return found;
}
