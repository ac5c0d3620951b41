/**
 * What the page shows at the moment; every part of the page reads it and is told of changes.
 *
 * @typedef {import("./arrays.js").Place} Place
 * @typedef {{key: string, at: Place}} ChosenCell
 * @typedef {{kind: "parameter", key: string, at: Place, value: number}
 *   | {kind: "input", at: Place, value: number}
 *   | {kind: "target", at: Place, value: number}
 *   | {kind: "activation", layer: string, value: string}
 *   | {kind: "cases", x: number[][], t: number[][], labels: string[]}} Edit
 *
 * @typedef {Object} View
 * @property {number} operation the index of the operation in progress; −1: none, and the whole pass
 *   is shown
 * @property {number} case_ the index of the case shown, an index into scene.cases
 * @property {boolean} alone whether the pass is of that case alone; else of all cases
 * @property {ChosenCell | null} chosen
 * @property {ChosenCell | null} hovered
 * @property {"contributes" | "influences"} light which way cells light up from the chosen one
 * @property {"direct" | "all"} reach how far: one operation, or all the way
 * @property {boolean} oneScale whether all gradients are coloured on one scale, to be compared
 * @property {Edit[]} edits since the scene as Python sent it, oldest first
 * @property {string[]} bugs names of planted bugs
 * @property {number | null} hunt the number that the bug to find follows from, see `huntOf`; null
 *   where it is told
 * @property {number | null} frame of the film; null for the pass as it came
 * @property {"look" | "predict" | "break" | "path" | "film"} mode
 * @property {import("./view/camera.js").Camera | null} camera what is seen of the picture; null: all
 * @property {number} pass counts up whenever numbers have changed
 * @property {ChosenCell[]} hidden cells whose numbers are not shown, see hidden.js
 * @property {Trail[]} trails the paths of a weight that are lit up
 * @property {string[]} wrong keys of the arrays that differ from those of the pass without bugs
 * @property {string} refused why the last change was taken back
 *
 * @typedef {Object} Trail  a path: its cells in order from the weight to the output
 * @property {ChosenCell[]} cells
 * @property {number} share its product over the largest |product|
 */

/** @type {View} */
export const FIRST_VIEW = {
  operation: -1,
  case_: 0,
  alone: false,
  chosen: null,
  hovered: null,
  light: "contributes",
  reach: "direct",
  oneScale: false,
  edits: [],
  bugs: [],
  hunt: null,
  frame: null,
  mode: "look",
  camera: null,
  pass: 0,
  hidden: [],
  trails: [],
  wrong: [],
  refused: "",
};

/** The place of the case shown in the arrays of the pass: of one case alone there is only one.
 * @param {View} view @returns {number} */
export const caseIn = ({ alone, case_ }) => (alone ? 0 : case_);

/** Holds the view; listeners are called once for each change, with the names of what changed. */
export class Store {
  /** @param {Partial<View>} [first] */
  constructor(first = {}) {
    /** @type {View} */
    this.view = { ...FIRST_VIEW, ...first };
    /** @type {{keys: Set<string>, listener: (view: View) => void}[]} */
    this.listeners = [];
  }

  /** Change the view; only what differs counts as changed.
   * @param {Partial<View>} changes */
  set(changes) {
    const before = /** @type {Record<string, unknown>} */ (/** @type {unknown} */ (this.view));
    const changed = Object.entries(changes).filter(([key, value]) => before[key] !== value);
    if (!changed.length) return;
    this.view = { ...this.view, ...changes };
    const names = new Set(changed.map(([key]) => key));
    for (const { keys, listener } of [...this.listeners]) {
      if ([...keys].some((key) => names.has(key))) listener(this.view);
    }
  }

  /** Call a listener now, and whenever one of these parts of the view changes.
   * @param {(keyof View)[]} keys @param {(view: View) => void} listener */
  watch(keys, listener) {
    this.listeners.push({ keys: new Set(keys), listener });
    listener(this.view);
  }
}
