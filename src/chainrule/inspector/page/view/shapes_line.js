/** The shapes of an operation, as in z (32×128) = x (32×784) · W (784×128) + b (128). */

import { make } from "../dom.js";
import { arrayName } from "../names.js";
import { infoOf } from "../scene.js";

/**
 * @typedef {import("../main.js").App} App
 * @typedef {import("../operations/operations.js").Operation} Operation
 */

/** The line of NumPy with the arrays' names and shapes.
 * @param {App} app @param {Operation} step @returns {HTMLElement} */
export function shapesLine(app, step) {
  const known = identifiers(app, step);
  const pieces = step.numpy.split(/([A-Za-z_][\w.]*)/);
  let seen = 0;
  const parts = pieces.map((piece, k) => {
    const bare = piece.replace(/\.T$/, "");
    const key = k % 2 ? known.get(bare) : undefined;
    if (!key) return document.createTextNode(inFormula(piece));
    seen++;
    return named(app, key, piece !== bare);
  });
  const all = new Set(known.values()).size;
  // Where the line of NumPy says the arrays in other words, they are simply listed.
  const listed = [
    named(app, step.target, false),
    document.createTextNode(" from "),
    ...step.reads.flatMap((key, k) => [
      document.createTextNode(k ? ", " : ""),
      named(app, key, false),
    ]),
  ];
  const whole = seen >= Math.min(all, 2) && !step.numpy.includes("\n");
  return make("p", { class: "shapes" }, ...(whole ? parts : listed));
}

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

/** NumPy's signs as formulas write them. @param {string} text @returns {string} */
const inFormula = (text) => text.replaceAll(" @ ", " · ").replaceAll(" * ", " ⊙ ");

/** Which array each identifier of an operation's line of NumPy stands for.
 * @param {App} app @param {Operation} step @returns {Map<string, string>} */
function identifiers(app, step) {
  const { scene } = app.pass;
  const found = new Map();
  const layer = scene.layers.find((one) => one.name === step.layer);
  for (const key of step.reads) {
    const info = infoOf(scene, key);
    if (!info) continue;
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
