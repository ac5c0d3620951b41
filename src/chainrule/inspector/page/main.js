/** Puts the page together: the source of numbers, the view, and every part of the page. */

import { localSource } from "./local.js";
import { operationsOf } from "./operations/operations.js";
import { Store } from "./store.js";

/**
 * @typedef {import("./source.js").Source} Source
 * @typedef {import("./source.js").Pass} Pass
 * @typedef {import("./operations/operations.js").Operation} Operation
 *
 * @typedef {Object} App  what every part of the page is given
 * @property {Source} source
 * @property {Store} store
 * @property {Pass} pass the pass that is shown; a part reads it again when `view.pass` changes
 * @property {Pass} first the pass as it came, without edits
 * @property {Operation[]} operations of the pass shown, in order
 */

/** Get the pass that the view wants, whenever what it depends on changes.
 * @param {App} app */
function followView(app) {
  let wanted = 0;
  const refresh = async () => {
    const mine = ++wanted;
    const { edits, bugs, frame, alone, case_ } = app.store.view;
    const pass = await app.source.pass({ edits, bugs, frame, only: alone ? case_ : null });
    if (mine !== wanted) return; // the view has moved on
    app.pass = pass;
    app.operations = operationsOf(pass.scene);
    app.store.set({ pass: app.store.view.pass + 1 });
  };
  app.store.watch(["edits", "bugs", "frame", "alone", "case_"], refresh);
}

/** Start the page. */
async function start() {
  const source = localSource();
  const pass = await source.pass({ edits: [], bugs: [], frame: null, only: null });
  const store = new Store();
  const operations = operationsOf(pass.scene);
  /** @type {App} */
  const app = { source, store, pass, first: pass, operations };
  followView(app);
  document.title = pass.scene.title;
}

start();
