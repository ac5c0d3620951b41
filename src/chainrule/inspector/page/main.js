/** Puts the page together: the source of numbers, the view, and every part of the page. */

import { EditHistory } from "./history.js";
import { Keys } from "./keys.js";
import { carriesNumbers, localSource } from "./local.js";
import { operationsOf } from "./operations/operations.js";
import { remoteSource } from "./remote.js";
import { FIRST_VIEW, Store } from "./store.js";
import { mountFilm } from "./view/film.js";
import { mountPanel } from "./view/panel.js";
import { mountPicture } from "./view/picture.js";
import { mountTable } from "./view/table.js";

/**
 * @typedef {import("./source.js").Source} Source
 * @typedef {import("./source.js").Pass} Pass
 * @typedef {import("./operations/operations.js").Operation} Operation
 *
 * @typedef {Object} App  what every part of the page is given
 * @property {Source} source
 * @property {Store} store
 * @property {Keys} keys
 * @property {Pass} pass the pass that is shown; a part reads it again when `view.pass` changes
 * @property {Pass} first the pass as it came, without edits
 * @property {Pass | null} before the pass one step of undo back, shown as a ghost; null without one
 * @property {EditHistory} history of what the reader changed
 * @property {Operation[]} operations of the pass shown, in order
 */

/** What the numbers depend on, of a view.
 * @param {import("./store.js").View} view @returns {import("./source.js").PassWanted} */
function wantedBy({ edits, bugs, frame, alone, case_ }) {
  return { edits, bugs, frame, only: alone ? case_ : null };
}

/** Whether the numbers of two passes are the same, whatever they are.
 * @param {import("./source.js").PassWanted} a @param {import("./source.js").PassWanted} b */
const areAlike = (a, b) =>
  a.edits === b.edits && a.bugs === b.bugs && a.frame === b.frame && a.only === b.only;

/** Get the pass that the view wants, whenever what it depends on changes. What cannot be computed
 * is said, and taken back.
 * @param {App} app */
function followView(app) {
  let shown = wantedBy(FIRST_VIEW);
  let asked = shown;
  const refresh = async () => {
    const wanted = wantedBy(app.store.view);
    if (areAlike(wanted, asked)) return;
    asked = wanted;
    const back = app.history.before;
    try {
      const [pass, before] = await Promise.all([
        app.source.pass(wanted),
        back ? app.source.pass({ ...wanted, ...back }) : null,
      ]);
      if (wanted !== asked) return; // the view has moved on
      shown = wanted;
      showPass(app, pass, before);
    } catch (error) {
      if (wanted === asked) takeBack(app, shown, error);
    }
  };
  app.store.watch(["edits", "bugs", "frame", "alone", "case_"], refresh);
}

/** Say why a pass cannot be shown, and go back to what is shown.
 * @param {App} app @param {import("./source.js").PassWanted} shown @param {unknown} error */
function takeBack(app, shown, error) {
  const { edits, bugs } = app.store.view;
  if (edits !== shown.edits || bugs !== shown.bugs) app.history.discard();
  else app.store.set({ frame: shown.frame, alone: shown.only !== null });
  sayError(error);
}

/** Say what went wrong. @param {unknown} error */
function sayError(error) {
  const status = document.getElementById("status");
  if (status) status.textContent = error instanceof Error ? error.message : String(error);
}

/** Put another pass in place of the one shown; the operation in progress stays, if it still is one.
 * @param {App} app @param {Pass} pass @param {Pass | null} before */
function showPass(app, pass, before) {
  const shown = app.store.view.operation;
  const { target } = app.operations[shown] ?? {};
  app.pass = pass;
  app.before = before;
  app.operations = operationsOf(pass.scene);
  const found = app.operations.findIndex((one) => one.target === target);
  const operation = found < 0 ? Math.min(shown, 0) : found;
  app.store.set({ operation, pass: app.store.view.pass + 1 });
}

/** Start the page. */
async function start() {
  const source = await (carriesNumbers() ? localSource() : remoteSource());
  const pass = await source.pass({ edits: [], bugs: [], frame: null, only: null });
  const store = new Store({ case_: source.scene.case });
  const operations = operationsOf(pass.scene);
  /** @type {App} */
  const app = {
    source,
    store,
    keys: new Keys(),
    pass,
    first: pass,
    before: null,
    history: new EditHistory(store),
    operations,
  };
  followView(app);
  document.title = pass.scene.title;
  const at = (/** @type {string} */ id) =>
    /** @type {HTMLElement} */ (document.getElementById(id));
  mountPicture(app, at("picture"));
  mountFilm(app, at("film"));
  mountPanel(app, at("panel"));
  mountTable(app, at("table"));
}

start().catch(sayError);
