/** What is said of the cell under the pointer. */

import { make } from "../dom.js";
import { isHidden } from "../hidden.js";
import { headerOf, nameText, userName } from "../names.js";
import { EXACT, numberText } from "../numbers.js";
import { infoOf } from "../scene.js";
import { inOwnUnits } from "../units.js";

/**
 * @typedef {import("../main.js").App} App
 * @typedef {import("../store.js").ChosenCell} ChosenCell
 * @typedef {import("../scene.js").Scene} Scene
 */

/** The array beside an array: of a value its gradient, of a gradient its value; "" where there is
 * none.
 * @param {Scene} scene @param {string} key @returns {string} */
export function partnerOf(scene, key) {
  const dot = key.lastIndexOf(".");
  const [layer, name] = [key.slice(0, dot), key.slice(dot + 1)];
  /** @type {Record<string, string>} */
  const pairs = { out: "J", J: "out", z: "delta", delta: "z" };
  let other = pairs[name] ?? "";
  if (name.startsWith("delta_")) other = name.replace("delta_", "z_");
  else if (name.startsWith("z_")) other = name.replace("z_", "delta_");
  else if (name.startsWith("J_")) other = name.slice(2);
  else if (name.endsWith("_grad") || name.endsWith("_new")) other = name.replace(/_[a-z]+$/, "");
  const candidates = other ? [other] : [`${name}_grad`, `J_${name}`, `${name}_J`];
  return candidates.map((one) => `${layer}.${one}`).find((one) => infoOf(scene, one)) ?? "";
}

/** A number with all its digits, and in the user's own unit to few.
 * @param {Scene} scene @param {ChosenCell} cell @param {number | undefined} value
 * @returns {string} */
function whole(scene, { key, at }, value) {
  if (value === undefined) return "…";
  const own = inOwnUnits(scene, key, at, value);
  return `${numberText(value, EXACT)}${own === null ? "" : `, ${numberText(own, 6)} in your unit`}`;
}

/** Where a cell lies, by the names of the user's own where there are any.
 * @param {Scene} scene @param {string} key @param {number[]} at @returns {string} */
function placeText(scene, key, at) {
  const info = infoOf(scene, key);
  if (!info) return "";
  const words = [];
  if (info.cases) {
    const label = scene.cases[at[0]]?.label;
    words.push(`case ${at[0] + 1}${label ? ` (${label})` : ""}`);
  }
  const own = userName(scene, key, at);
  if (own) words.unshift(own);
  const isWeight = !info.cases && info.shape.length === 2;
  if (isWeight)
    words.push(`${headerOf(scene, key, 0, at[0])} → ${headerOf(scene, key, 1, at[1])}`);
  if (info.cases && at.length === 3) words.push(`step ${at[1] + 1}, unit ${at[2] + 1}`);
  if (info.cases && at.length === 4)
    words.push(`channel ${at[1] + 1}, row ${at[2] + 1}, column ${at[3] + 1}`);
  return words.join(" · ");
}

/** The tooltip; `show` changes only texts and the transform, so that nothing is laid out anew.
 * @param {HTMLElement} area */
export function tooltipIn(area) {
  const name = make("b");
  const place = make("span", { class: "place" });
  const value = make("span", { class: "number" });
  const partner = make("span", { class: "number" });
  const element = make(
    "div",
    { class: "tooltip", "aria-hidden": "true" },
    name,
    value,
    partner,
    place,
  );
  element.hidden = true;
  area.append(element);

  /** Say what is known of a cell; whether all of it was loaded.
   * @param {App} app @param {ChosenCell} cell @param {{x: number, y: number}} point
   * @param {{width: number, height: number}} screen @returns {boolean} */
  const show = (app, { key, at }, point, screen) => {
    const { scene } = app.pass;
    const hidden = isHidden(app, key, at);
    const other = hidden ? "" : partnerOf(scene, key);
    const own = app.pass.read(key, at);
    const others = other ? app.pass.read(other, at) : undefined;
    name.textContent = nameText(scene, key, at, at[0]);
    const shapeIn = (/** @type {Scene} */ one) => String(infoOf(one, key)?.shape);
    const than = app.right ?? app.before; // right, where a bug is planted; else before the change
    const then = than && shapeIn(than.scene) === shapeIn(scene) ? than.read(key, at) : own;
    const more =
      then === undefined || Object.is(then, own)
        ? ""
        : `, ${app.right ? "right is" : "was"} ${numberText(then)}`;
    value.textContent = hidden ? "= ?" : `= ${whole(scene, { key, at }, own)}${more}`;
    partner.textContent = other
      ? `${nameText(scene, other, at, at[0])} = ${whole(scene, { key: other, at }, others)}`
      : "";
    place.textContent = [placeText(scene, key, at), infoOf(scene, key)?.says]
      .filter(Boolean)
      .join(". ");
    putBeside(element, point, screen);
    element.hidden = false;
    return own !== undefined && (!other || others !== undefined);
  };
  return {
    show,
    hide: () => {
      element.hidden = true;
    },
  };
}

/** Put an element beside a point, where there is more room.
 * @param {HTMLElement} element @param {{x: number, y: number}} point
 * @param {{width: number, height: number}} screen */
function putBeside(element, point, screen) {
  const left = point.x > screen.width / 2;
  const above = point.y > screen.height / 2;
  const [x, y] = [point.x + (left ? -14 : 14), point.y + (above ? -14 : 14)];
  element.style.transform = `translate(${x}px, ${y}px) translate(${left ? "-100%" : "0"}, ${above ? "-100%" : "0"})`;
}
