/** The head of the page: which case is shown, what was changed and how the loss moved with it, and
 * what one takes away. */

import { clamped } from "../arrays.js";
import { button, make, say } from "../dom.js";
import { casesAfter } from "../edited.js";
import { numberText } from "../numbers.js";
import { infoOf } from "../scene.js";
import { mountCopying } from "./copying.js";
import { mountEdit } from "./edit.js";
import { lossMoved } from "./nudge.js";
import { mountPaste } from "./paste.js";

/** @typedef {import("../main.js").App} App */

/** @param {App} app @param {HTMLElement} element */
export function mountToolbar(app, element) {
  const take = make("div", { class: "tools", role: "group", "aria-label": "Take away and bring" });
  mountCopying(app, take);
  mountPaste(app, take);
  const rows = [
    make("h1", { text: app.source.scene.title }),
    casesTool(app),
    changeButtons(app),
    take,
  ];
  const bar = make("div", { class: "edit", role: "group", "aria-label": "Edit" });
  element.append(make("div", { class: "toolbar" }, ...rows), bar);
  mountEdit(app, bar, lossMovedText(app));
}

/** Show another case, by its index.
 * @param {App} app @param {number} index */
function showCase(app, index) {
  const { alone, edits, chosen } = app.store.view;
  const count = casesAfter(app.source.scene, edits).length;
  const case_ = clamped(index, 0, count - 1);
  const follows = !alone && chosen && infoOf(app.pass.scene, chosen.key)?.cases;
  app.store.set({
    case_,
    chosen: follows ? { key: chosen.key, at: [case_, ...chosen.at.slice(1)] } : chosen,
  });
}

/** The choice of the case, and whether it is passed alone.
 * @param {App} app @returns {HTMLElement} */
function casesTool(app) {
  const { store } = app;
  const move = (/** @type {number} */ by) => {
    const { chosen, case_ } = store.view;
    showCase(app, case_ + by);
    if (store.view.chosen === chosen) say(`Case ${list.selectedOptions[0].text}.`);
  };
  const list = make("select", {
    "aria-label": "Case",
    title: "The case that is shown (, and .)",
    on: { change: () => showCase(app, list.selectedIndex) },
  });
  const back = button("‹", "The case before (,)", () => move(-1), { "aria-label": "Case before" });
  const on = button("›", "The next case (.)", () => move(1), { "aria-label": "Next case" });
  const alone = button("alone", "", () => store.set({ alone: !store.view.alone }));
  const group = "Cases and changes";
  app.keys.bind({ keys: [","], group, says: "the case before", run: () => move(-1) });
  app.keys.bind({ keys: ["."], group, says: "the next case", run: () => move(1) });
  app.keys.bind({ keys: ["o"], group, says: "one case alone, or all", run: () => alone.click() });
  let listed = "";
  store.watch(["edits"], ({ edits }) => {
    const cases = casesAfter(app.source.scene, edits);
    const labelled = JSON.stringify(cases);
    if (labelled === listed) return;
    listed = labelled;
    const labels = cases.map(({ label }, k) => (label ? `${k + 1} · ${label}` : `case ${k + 1}`));
    list.replaceChildren(...labels.map((text) => make("option", { text })));
    alone.title = `Pass this case alone, instead of all ${cases.length} together (o)`;
    for (const one of [back, on, alone]) one.hidden = cases.length < 2;
  });
  store.watch(["edits", "case_", "alone"], (view) => {
    list.selectedIndex = view.case_;
    back.disabled = view.case_ === 0;
    on.disabled = view.case_ >= list.options.length - 1;
    alone.setAttribute("aria-pressed", String(view.alone));
  });
  return make(
    "div",
    { class: "tools", role: "group", "aria-label": "Case" },
    back,
    list,
    on,
    alone,
  );
}

/** Undo, redo, and back to how everything came.
 * @param {App} app @returns {HTMLElement} */
function changeButtons(app) {
  const { history, keys } = app;
  const undo = button("Undo", "Take the last change back (Ctrl+Z)", () => history.undo());
  const redo = button("Redo", "Make it again (Ctrl+Shift+Z)", () => history.redo());
  const reset = button("Reset", "Everything as it came", () => history.reset());
  const group = "Cases and changes";
  keys.bind({ keys: ["Ctrl+z"], group, says: "undo", run: () => history.undo() });
  keys.bind({
    keys: ["Ctrl+Shift+z", "Ctrl+y"],
    group,
    says: "redo",
    run: () => history.redo(),
  });
  app.store.watch(["edits", "bugs"], ({ edits, bugs }) => {
    undo.disabled = !history.past.length;
    redo.disabled = !history.future.length;
    reset.disabled = !edits.length && !bugs.length;
  });
  return make(
    "div",
    { class: "tools", role: "group", "aria-label": "Changes" },
    undo,
    redo,
    reset,
  );
}

/** The loss, and by how much the last change moved it.
 * @param {App} app @returns {HTMLElement} */
function lossMovedText(app) {
  const text = make("output", {
    class: "loss",
    title: "The loss, and how the last change moved it",
  });
  let shown = app.store.view.edits;
  let undone = 0;
  app.store.watch(["pass"], ({ edits }) => {
    const moved = lossMoved(app.before?.loss ?? null, app.pass.loss);
    text.textContent = `L ${moved.text}`;
    text.classList.toggle("down", moved.by < 0);
    text.classList.toggle("up", moved.by > 0);
    const { length } = app.history.future;
    const sentence =
      length > undone ? `Undone: the loss is ${numberText(app.pass.loss)}.` : moved.sentence;
    if (edits !== shown) setTimeout(() => say(sentence), 150); // after the cell and its value
    shown = edits;
    undone = length;
  });
  return text;
}
