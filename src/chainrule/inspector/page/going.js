/** How one goes from cell to cell and from operation to operation. */

import { clamped, placeOf } from "./arrays.js";
import { infoOf } from "./scene.js";

/**
 * @typedef {import("./main.js").App} App
 * @typedef {import("./arrays.js").Place} Place
 * @typedef {import("./store.js").ChosenCell} ChosenCell
 */

/** Choose a cell: its case is shown, and the operation that computes it is in progress.
 * @param {App} app @param {ChosenCell} chosen */
export function choose(app, { key, at }) {
  const info = infoOf(app.pass.scene, key);
  const found = app.operations.findIndex((one) => one.target === key);
  const { operation, case_ } = app.store.view;
  app.store.set({
    chosen: { key, at },
    operation: found >= 0 ? found : operation,
    case_: info?.cases && !app.store.view.alone ? at[0] : case_,
    hovered: null,
  });
}

/** Go to an operation, and choose the cell of its result that says most; −1 is the whole pass, in
 * which no operation is in progress.
 * @param {App} app @param {number} index one beyond an end is that end */
export function goTo(app, index) {
  const operation = clamped(index, -1, app.operations.length - 1);
  if (operation < 0) return app.store.set({ operation, chosen: null, hovered: null });
  const { target } = app.operations[operation];
  app.store.set({
    operation,
    chosen: { key: target, at: tellingPlace(app, target) },
    hovered: null,
  });
}

/** The place of the largest number of an array, in the case shown where it is of cases.
 * @param {App} app @param {string} key @returns {Place} */
export function tellingPlace(app, key) {
  const { shape, data } = app.pass.levels(key);
  const ofCases = infoOf(app.pass.scene, key)?.cases;
  const size = ofCases ? data.length / shape[0] : data.length;
  const case_ = ofCases ? Math.min(app.store.view.case_, shape[0] - 1) : 0;
  const start = case_ * size;
  let best = start;
  let most = -1;
  for (let k = start; k < start + size; k++) {
    const size_ = Math.abs(data[k]);
    if (size_ > most) {
      most = size_;
      best = k;
    }
  }
  return placeOf(shape, best);
}
