/**
 * A link that brings back exactly this view: the part `view` of the address's fragment, which no
 * server is sent. What a link holds is checked against the scene, part by part; what does not fit
 * is left out and named.
 *
 * @typedef {import("./store.js").View} View
 * @typedef {import("./store.js").Edit} Edit
 * @typedef {import("./scene.js").Scene} Scene
 * @typedef {import("./operations/operations.js").Operation} Operation
 *
 * @typedef {Object} Linked
 * @property {Partial<View>} view
 * @property {string | null} operation the target of the operation in progress
 * @property {string[]} ignored what the link holds and this page does not know
 */
import { sizeOf } from "./arrays.js";
import { huntOf } from "./predicting.js";
import { infoOf } from "./scene.js";

/** Longer links get lost in mails and chats. */
export const LONGEST_LINK = 8000;
const VERSION = 1;

/** @param {string} text */
function toBase64url(text) {
  const bytes = new TextEncoder().encode(text);
  const signs = Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
  return btoa(signs).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** @param {string} text */
function fromBase64url(text) {
  const signs = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  const bytes = Uint8Array.from(signs, (sign) => sign.charCodeAt(0));
  return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
}

/** The view as text; what is as in the first view is left out.
 * @param {View} view @param {Operation[]} operations @returns {string} */
function viewAsText(view, operations) {
  /** @type {Record<string, unknown>} */
  const parts = { v: VERSION };
  const { operation, case_, alone, chosen, light, reach, oneScale } = view;
  const { edits, bugs, hunt, frame, mode, camera } = view;
  if (operations[operation]) parts.operation = operations[operation].target;
  if (case_) parts.case = case_;
  if (alone) parts.alone = true;
  if (chosen) parts.cell = chosen;
  if (light !== "contributes") parts.light = light;
  if (reach !== "direct") parts.reach = reach;
  if (oneScale) parts.oneScale = true;
  if (edits.length) parts.edits = edits;
  if (bugs.length) Object.assign(parts, hunt === null ? { bugs } : { hunt });
  if (frame !== null) parts.frame = frame;
  if (mode !== "look") parts.mode = mode;
  if (camera) parts.camera = camera;
  return toBase64url(JSON.stringify(parts));
}

/** @param {unknown} value @param {number} below @returns {value is number} */
const isIndex = (value, below) =>
  Number.isInteger(value) && Number(value) >= 0 && Number(value) < below;
const isFinite_ = Number.isFinite;

/** Whether these are indices into an array of this shape.
 * @param {unknown} at @param {number[]} shape */
const isPlace = (at, shape) =>
  Array.isArray(at) &&
  at.length === shape.length &&
  at.every((k, axis) => isIndex(k, shape[axis]));

/** Whether these are rows of so many finite numbers.
 * @param {unknown} rows @param {number} count @param {number[]} shape of one row */
const areRows = (rows, count, shape) =>
  Array.isArray(rows) &&
  rows.length === count &&
  rows.every((row) => Array.isArray(row) && row.length === sizeOf(shape) && row.every(isFinite_));

/** An edit that fits the scene with so many cases; null for anything else.
 * @param {Scene} scene @param {number} count of the cases @param {any} edit @returns {Edit | null} */
function checkedEdit(scene, count, edit) {
  if (typeof edit !== "object" || edit === null) return null;
  const { kind, key, at, value, layer, x, t, labels } = edit;
  const shapeOf = (/** @type {string} */ name) => infoOf(scene, name)?.shape.slice(1);
  if (kind === "parameter") {
    const info = infoOf(scene, key);
    const fits = info?.role === "parameter" && isPlace(at, info.shape) && isFinite_(value);
    return fits ? { kind, key, at, value } : null;
  }
  if (kind === "input" || kind === "target") {
    const shape = shapeOf(kind === "input" ? "input.out" : "loss.t");
    return shape && isPlace(at, [count, ...shape]) && isFinite_(value)
      ? { kind, at, value }
      : null;
  }
  if (kind === "activation") {
    const known = scene.layers.some((one) => one.name === layer) && typeof value === "string";
    return known ? { kind, layer, value } : null;
  }
  const [input, target] = [shapeOf("input.out"), shapeOf("loss.t")];
  if (kind !== "cases" || !input || !target || !Array.isArray(labels) || !labels.length)
    return null;
  const areWords = labels.every((label) => typeof label === "string" && label.length <= 200);
  const fits = areWords && areRows(x, labels.length, input) && areRows(t, labels.length, target);
  return fits ? { kind, x, t, labels } : null;
}

/** The edits of a link, and how many cases there are with them; null if one of them does not fit.
 * @param {Scene} scene @param {unknown} edits @returns {{edits: Edit[], count: number} | null} */
function checkedEdits(scene, edits) {
  let count = infoOf(scene, "input.out")?.shape[0] ?? 0;
  if (edits === undefined) return { edits: [], count };
  if (!Array.isArray(edits)) return null;
  const found = [];
  for (const edit of edits) {
    const checked = checkedEdit(scene, count, edit);
    if (!checked) return null;
    if (checked.kind === "cases") count = checked.labels.length;
    found.push(checked);
  }
  return { edits: found, count };
}

/** What each part of a link may be; others are ignored.
 * @type {Record<string, (value: any, count: number) => boolean>} */
const LINK_PARTS = {
  operation: (value) => typeof value === "string",
  case: (value, count) => isIndex(value, count),
  alone: (value) => typeof value === "boolean",
  cell: (value) =>
    typeof value?.key === "string" &&
    Array.isArray(value.at) &&
    value.at.every((/** @type {unknown} */ k) => isIndex(k, 2 ** 31)),
  light: (value) => ["contributes", "influences"].includes(value),
  reach: (value) => ["direct", "all"].includes(value),
  oneScale: (value) => typeof value === "boolean",
  bugs: (value) =>
    Array.isArray(value) && value.length < 100 && value.every((one) => typeof one === "string"),
  hunt: (value) => isIndex(value, 2 ** 32),
  frame: (value) => Number.isInteger(value),
  mode: (value) => ["look", "predict", "break", "path", "film"].includes(value),
  camera: (value) =>
    [value?.x, value?.y, value?.scale].every(isFinite_) && value.scale > 0 && value.scale < 1e4,
};

/** The view that a link's text holds.
 * @param {string} text @param {Scene} scene the page's own, before any edit @returns {Linked} */
export function viewOfText(text, scene) {
  /** @type {any} */
  let parts = null;
  try {
    parts = text.length <= 4 * LONGEST_LINK ? JSON.parse(fromBase64url(text)) : null;
  } catch {}
  if (typeof parts !== "object" || parts === null || Array.isArray(parts)) {
    return { view: {}, operation: null, ignored: ["all of it, because it is no view"] };
  }
  if (parts.v !== VERSION) {
    return { view: {}, operation: null, ignored: ["all of it, which is of another version"] };
  }
  const edited = checkedEdits(scene, parts.edits);
  const known = Object.entries(parts).filter(([name]) => name !== "v" && name !== "edits");
  const count = edited?.count ?? infoOf(scene, "input.out")?.shape[0] ?? 0;
  const fits = (/** @type {[string, unknown]} */ [name, value]) =>
    Object.hasOwn(LINK_PARTS, name) && LINK_PARTS[name](value, count);
  /** @type {Record<string, any>} */
  const found = Object.fromEntries(known.filter(fits));
  const ignored = known.filter((part) => !fits(part)).map(([name]) => `“${name.slice(0, 40)}”`);
  if (!edited) ignored.push("the edits");
  const { operation = null, case: case_, cell: chosen, ...others } = found;
  /** @type {Partial<View>} */
  const view = { ...others };
  if (case_ !== undefined) view.case_ = case_;
  if (chosen) view.chosen = { key: chosen.key, at: chosen.at };
  if (view.hunt !== undefined && scene.bugs?.length)
    view.bugs = [huntOf(scene.bugs, Number(view.hunt)).bug.name];
  if (edited?.edits.length) view.edits = edited.edits;
  return { view, operation, ignored: ignored.slice(0, 5) };
}

/** The address that brings back a view; what else its fragment holds stays.
 * @param {string} address @param {View} view @param {Operation[]} operations @returns {string} */
export function linkTo(address, view, operations) {
  const url = new URL(address);
  const parts = new URLSearchParams(url.hash.slice(1));
  parts.set("view", viewAsText(view, operations));
  url.hash = parts.toString();
  return url.href;
}

/** The view of an address; null where it has none.
 * @param {string} address @param {Scene} scene @returns {Linked | null} */
export function linkedView(address, scene) {
  const text = new URLSearchParams(new URL(address).hash.slice(1)).get("view");
  return text === null ? null : viewOfText(text, scene);
}
