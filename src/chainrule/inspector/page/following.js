/** The pass that is shown follows the view; and the view with which the page starts. */

import { say } from "./dom.js";
import { linkedView } from "./link.js";
import { operationsOf } from "./operations/operations.js";
import { infoOf } from "./scene.js";
import { FIRST_VIEW } from "./store.js";

/**
 * @typedef {import("./main.js").App} App
 * @typedef {import("./source.js").Source} Source
 * @typedef {import("./source.js").Pass} Pass
 * @typedef {import("./store.js").View} View
 */

/** What the numbers depend on, of a view.
 * @param {View} view @returns {import("./source.js").PassWanted} */
export function wantedBy({ edits, bugs, frame, alone, case_ }) {
  return { edits, bugs, frame, only: alone ? case_ : null };
}

/** Whether the numbers of two passes are the same, whatever they are.
 * @param {import("./source.js").PassWanted} a @param {import("./source.js").PassWanted} b */
const areAlike = (a, b) =>
  a.edits === b.edits && a.bugs === b.bugs && a.frame === b.frame && a.only === b.only;

/** Get the pass that the view wants, whenever what it depends on changes: one at a time, so that of
 * the many steps of a drag those are left out that have been overtaken. What cannot be computed is
 * said, and taken back.
 * @param {App} app */
export function followView(app) {
  let shown = wantedBy(app.store.view);
  let isBusy = false;
  const refresh = async () => {
    if (isBusy) return;
    isBusy = true;
    for (let wanted = shown; !areAlike(wanted, wantedBy(app.store.view)); ) {
      wanted = wantedBy(app.store.view);
      try {
        const [pass, before, right] = await Promise.all([
          app.source.pass(wanted),
          passBefore(app),
          passWithoutBugs(app),
        ]);
        const now = wantedBy(app.store.view);
        if (!areAlike({ ...wanted, edits: now.edits }, now)) continue; // more than a number moved
        shown = wanted;
        app.right = right;
        showPass(app, pass, before);
      } catch (error) {
        takeBack(app, shown, error);
        wanted = shown;
      }
    }
    isBusy = false;
  };
  app.store.watch(["edits", "bugs", "frame", "alone", "case_"], refresh);
  addEventListener("hashchange", () => {
    const isView = linkedView(location.href, app.source.scene) !== null;
    if (isView) location.reload(); // another link was opened in this tab
  });
}

/** The pass one step of undo back; null where there is none.
 * @param {App} app @returns {Promise<Pass | null>} */
export async function passBefore(app) {
  const { before } = app.history;
  return before && app.source.pass({ ...wantedBy(app.store.view), ...before });
}

/** The same pass without bugs; null where it has none.
 * @param {App} app @returns {Promise<Pass | null>} */
export async function passWithoutBugs({ source, store }) {
  const wanted = wantedBy(store.view);
  return wanted.bugs.length ? source.pass({ ...wanted, bugs: [] }) : null;
}

/** Say why a pass cannot be shown, and go back to what is shown.
 * @param {App} app @param {import("./source.js").PassWanted} shown @param {unknown} error */
function takeBack(app, shown, error) {
  const { edits, bugs } = app.store.view;
  if (edits !== shown.edits || bugs !== shown.bugs) app.history.discard(shown);
  const { frame, only } = shown;
  const alone = only !== null;
  app.store.set({ frame, alone, case_: only ?? app.store.view.case_, refused: "" });
  app.store.set({ refused: error instanceof Error ? error.message : String(error) });
  sayError(error);
}

/** Say what went wrong. @param {unknown} error */
export function sayError(error) {
  say(error instanceof Error ? error.message : String(error));
}

/** Put another pass in place of the one shown. The operation in progress stays, if it still is one,
 * and so does the chosen cell, which follows its case.
 * @param {App} app @param {Pass} pass @param {Pass | null} before */
function showPass(app, pass, before) {
  const { operation: shown, alone, case_, chosen } = app.store.view;
  const target = app.operations[shown]?.target;
  const wasAlone = app.pass.scene.cases.length === 1;
  const isAlone = alone && pass.scene.cases.length === 1;
  app.pass = pass;
  app.before = before;
  app.operations = operationsOf(pass.scene);
  const found = app.operations.findIndex((one) => one.target === target);
  const info = chosen && infoOf(pass.scene, chosen.key);
  const at = chosen && info?.cases && (isAlone || wasAlone) ? [isAlone ? 0 : case_] : [];
  const place = chosen ? [...at, ...chosen.at.slice(at.length)] : [];
  const isSame = place.every((index, axis) => index === chosen?.at[axis]);
  const cell = chosen && (isSame ? chosen : { key: chosen.key, at: place });
  app.store.set({
    operation: found < 0 ? Math.min(shown, 0) : found,
    chosen: cell && isPlaceOf(pass.scene, cell) ? cell : null,
    pass: app.store.view.pass + 1,
  });
}

/** The view with which the page starts: that of the link, where it has one that can be shown.
 * @param {Source} source @param {Pass} first
 * @returns {Promise<{view: Partial<View>, pass: Pass, message: string}>} */
export async function firstView(source, first) {
  const own = { case_: source.scene.case };
  const linked = linkedView(location.href, source.scene);
  if (!linked) return { view: own, pass: first, message: "" };
  const left = linked.ignored.join(", ");
  const message = left ? `Of this link, the page left out: ${left}.` : "";
  try {
    const view = { ...own, ...linked.view };
    const pass = await source.pass(wantedBy({ ...FIRST_VIEW, ...view }));
    const operations = operationsOf(pass.scene);
    const operation = operations.findIndex((one) => one.target === linked.operation);
    const chosen = view.chosen && isPlaceOf(pass.scene, view.chosen) ? view.chosen : null;
    return { view: { ...view, operation, chosen }, pass, message };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return { view: own, pass: first, message: `The view of this link cannot be shown: ${why}` };
  }
}

/** Whether there is such a cell.
 * @param {import("./scene.js").Scene} scene @param {import("./store.js").ChosenCell} cell */
function isPlaceOf(scene, { key, at }) {
  const shape = infoOf(scene, key)?.shape;
  return shape?.length === at.length && at.every((k, axis) => k < shape[axis]);
}
