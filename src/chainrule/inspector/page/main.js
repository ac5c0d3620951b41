/** Puts the page together: the source of numbers, the view, and every part of the page. */

import { say } from "./dom.js";
import {
  firstView,
  followView,
  passBefore,
  passWithoutBugs,
  sayError,
  wantedBy,
} from "./following.js";
import { EditHistory } from "./history.js";
import { Keys } from "./keys.js";
import { carriesNumbers, localSource } from "./local.js";
import { operationsOf } from "./operations/operations.js";
import { remoteSource } from "./remote.js";
import { FIRST_VIEW, Store } from "./store.js";
import { mountFilm } from "./view/film.js";
import { mountPanel } from "./view/panel.js";
import { mountPicture } from "./view/picture_controls.js";
import { mountPlanes } from "./view/planes.js";
import { mountTable } from "./view/table.js";
import { mountToolbar } from "./view/toolbar.js";
import { mountWeightImages } from "./view/weights.js";

/**
 * @typedef {import("./source.js").Source} Source
 * @typedef {import("./source.js").Pass} Pass
 * @typedef {import("./store.js").View} View
 * @typedef {import("./operations/operations.js").Operation} Operation
 *
 * @typedef {Object} App  what every part of the page is given
 * @property {Source} source
 * @property {Store} store
 * @property {Keys} keys
 * @property {Pass} pass the pass that is shown; a part reads it again when `view.pass` changes
 * @property {Pass} first the pass as it came, without edits
 * @property {Pass | null} before the pass one step of undo back, shown as a ghost; null without one
 * @property {Pass | null} right the same pass without bugs, where there are any
 * @property {EditHistory} history of what the user changed
 * @property {Operation[]} operations of the pass shown, in order
 */

/** Start the page. */
async function start() {
  const source = await (carriesNumbers() ? localSource() : remoteSource());
  const first = await source.pass(wantedBy(FIRST_VIEW));
  const { view, pass, message } = await firstView(source, first);
  const store = new Store(view);
  /** @type {App} */
  const app = {
    source,
    store,
    keys: new Keys(),
    pass,
    first,
    before: null,
    right: null,
    history: new EditHistory(store),
    operations: operationsOf(pass.scene),
  };
  app.before = await passBefore(app);
  app.right = await passWithoutBugs(app);
  followView(app);
  document.title = pass.scene.title;
  const at = (/** @type {string} */ id) =>
    /** @type {HTMLElement} */ (document.getElementById(id));
  mountToolbar(app, at("head"));
  mountPicture(app, at("picture"));
  mountFilm(app, at("film"));
  mountPlanes(app, at("film"));
  mountWeightImages(app, at("film"));
  mountPanel(app, at("panel"));
  mountTable(app, at("table"));
  if (message) say(message);
}

start().catch(sayError);
