/**
 * What the numbers are called: W⁽¹⁾₁₂ and ∂L/∂z⁽¹⁾₂, as `explain` writes them, counted from 1; and
 * what the user's own data call them.
 *
 * @typedef {import("./arrays.js").Place} Place
 * @typedef {import("./scene.js").Scene} Scene
 *
 * @typedef {Object} Name
 * @property {string} letter without ∂L/∂
 * @property {boolean} derivative whether it is ∂L/∂letter
 * @property {number | null} layer
 * @property {(number | string)[]} at indices counted from 1, or letters that stand for them
 * @property {boolean} isNew whether it is the parameter after the update
 * @property {number | string | null} of the case, counted from 1, where it is to be said
 */
import { infoOf, layerNamed } from "./scene.js";

const LOWERED = "₀₁₂₃₄₅₆₇₈₉";
const RAISED = "⁰¹²³⁴⁵⁶⁷⁸⁹";

/** @param {number} number @param {string} digits */
const digitsOf = (number, digits) =>
  [...String(number)].map((digit) => digits[Number(digit)] ?? "⁻").join("");

/** A whole number of small letters below the line. @param {number} number @returns {string} */
export const lowered = (number) => digitsOf(number, LOWERED);

/** A whole number of small letters above the line. @param {number} number @returns {string} */
export const raised = (number) => digitsOf(number, RAISED);

/** What a cell is called.
 * @param {Scene} scene @param {string} key @param {Place} at
 * @param {number | null} [ownCase] the case that need not be said, an index; null to say each
 * @returns {Name} */
export function nameOf(scene, key, at, ownCase = null) {
  const info = infoOf(scene, key);
  const ratio = /^∂L\/∂(.+)$/u.exec(info?.letter ?? "");
  const letter = ratio ? ratio[1] : (info?.letter ?? key);
  const known = scene.layers.some((layer) => layer.name === info?.layer);
  const numbered = info && known && !(letter === "y" && info.layer === scene.output);
  return {
    letter,
    derivative: ratio !== null,
    layer: numbered ? layerNamed(scene, info.layer).number : null,
    at: (info?.cases ? at.slice(1) : at).map((index) => index + 1),
    isNew: info?.role === "update",
    of: info?.cases && at.length && at[0] !== ownCase && info.shape[0] > 1 ? at[0] + 1 : null,
  };
}

/** What stands between the indices of a name: of an image or above 9 a comma.
 * @param {Name} name @returns {string} */
export const betweenIndices = (name) =>
  name.at.length > 2 || name.at.some((index) => String(index).length > 1) ? "," : "";

const LOWERED_LETTERS = /** @type {Record<string, string>} */ ({
  i: "ᵢ",
  j: "ⱼ",
  k: "ₖ",
  l: "ₗ",
  m: "ₘ",
  n: "ₙ",
  p: "ₚ",
  s: "ₛ",
  t: "ₜ",
});

/** @param {number | string} index */
const loweredIndex = (index) =>
  typeof index === "number" ? lowered(index) : (LOWERED_LETTERS[index] ?? `[${index}]`);

/** A name as plain text, such as W⁽¹⁾₁₂ or x₁(case 3).
 * @param {Name} name @returns {string} */
export function textOfName(name) {
  const layer = name.layer === null ? "" : `⁽${raised(name.layer)}⁾`;
  const indices = name.at.map(loweredIndex).join(betweenIndices(name));
  const of = typeof name.of === "number" ? `case ${name.of}` : name.of;
  const end = (of === null ? "" : `(${of})`) + (name.isNew ? " new" : "");
  return `${name.derivative ? "∂L/∂" : ""}${name.letter}${layer}${indices}${end}`;
}

/** A cell's name as plain text.
 * @param {Scene} scene @param {string} key @param {Place} at @param {number | null} [ownCase]
 * @returns {string} */
export const nameText = (scene, key, at, ownCase = null) =>
  textOfName(nameOf(scene, key, at, ownCase));

/** An array's name as plain text, such as ∂L/∂W⁽¹⁾.
 * @param {Scene} scene @param {string} key @returns {string} */
export const arrayName = (scene, key) => nameText(scene, key, []);

const SPOKEN = /** @type {Record<string, string>} */ ({
  δ: "delta ",
  γ: "gamma",
  β: "beta",
  Ω: "penalty",
  ℓ: "loss",
  ʰ: " h",
  ᵃˡˡ: " in all",
  ᵖᵃʳᵗ: " in part",
  ʳ: "r",
  ᵘ: "u",
  ᵐ: "m",
  ⁱ: "i",
  ᶠ: "f",
  ᵍ: "g",
  ᵒ: "o",
  ᵃ: " a",
  ᵇ: " b",
  ᶜ: " c",
  ᵈ: " d",
  ᵉ: " e",
});

/** A cell's name in words, for a screen reader: "W 1, 2 of layer 1".
 * @param {Scene} scene @param {string} key @param {Place} at @returns {string} */
export function spokenName(scene, key, at) {
  const { letter, derivative, layer, at: indices, of, isNew } = nameOf(scene, key, at);
  const said = letter.replace(/ᵃˡˡ|ᵖᵃʳᵗ|./gu, (sign) => SPOKEN[sign] ?? sign);
  const words = `${isNew ? "new " : ""}${said.trim()}`;
  return [
    `${derivative ? "the derivative of the loss by " : ""}${words} ${indices.join(", ")}`.trim(),
    layer === null ? "" : ` of layer ${layer}`,
    of === null ? "" : `, case ${of}`,
  ].join("");
}

/** The user's own name of an input or an output; "" where there is none.
 * @param {Scene} scene @param {string} key @param {Place} at @returns {string} */
export function userName(scene, key, at) {
  const info = infoOf(scene, key);
  if (!info) return "";
  const { inputs, outputs } = scene.names;
  if (info.layer === "input") return inputs?.[at[at.length - 1]] ?? "";
  if (info.cases && at.length > 1 && (info.layer === scene.output || info.layer === "loss"))
    return outputs?.[at[at.length - 1]] ?? "";
  return "";
}

/** What stands at an index of one axis of an array, for headers: the user's own name of an input
 * or an output, or a number counted from 1; of the cases their label.
 * @param {Scene} scene @param {string} key @param {number} axis @param {number} index
 * @returns {string} */
export function headerOf(scene, key, axis, index) {
  const info = infoOf(scene, key);
  if (!info) return String(index + 1);
  const { inputs, outputs } = scene.names;
  const own = info.cases ? axis > 0 : true;
  if (!own) {
    const label = scene.cases[index]?.label ?? "";
    return `case ${index + 1}${label && label.length <= 12 ? `, ${label}` : ""}`;
  }
  const layer = scene.layers.find((one) => one.name === info.layer);
  const isWeight = !info.cases && info.shape.length === 2 && info.name.startsWith("W");
  const fromInput = layer?.sources.length === 1 && layer.sources[0] === "input";
  const last = axis === info.shape.length - 1;
  let names = null;
  if (info.layer === "input" && last) names = inputs;
  else if (isWeight && axis === 0 && fromInput) names = inputs;
  else if (last && (info.layer === scene.output || info.layer === "loss")) names = outputs;
  return names?.[index] ?? String(index + 1);
}
