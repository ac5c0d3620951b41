import assert from "node:assert/strict";
import { test } from "node:test";
import { EditHistory, withEdit } from "../../../src/chainrule/inspector/page/history.js";
import { Store } from "../../../src/chainrule/inspector/page/store.js";

const weight = (value, at = [0, 1]) => ({ kind: "parameter", key: "dense_1.W", at, value });
const started = (first) => {
  const store = new Store(first);
  return { store, history: new EditHistory(store) };
};

test("an edit is undone and redone, and a new one after that forgets what was redone", () => {
  const { store, history } = started();
  history.edit([weight(1)]);
  history.edit([weight(2, [1, 1])]);
  history.undo();
  assert.deepEqual(store.view.edits, [weight(1)]);
  history.redo();
  assert.deepEqual(store.view.edits, [weight(1), weight(2, [1, 1])]);
  history.undo();
  history.edit([weight(3, [2, 1])]);
  history.redo();
  assert.deepEqual(store.view.edits, [weight(1), weight(3, [2, 1])]);
  for (let k = 0; k < 5; k++) history.undo();
  assert.deepEqual(store.view.edits, []);
  assert.equal(history.before, null);
});

test("the edits of one drag are one step, those of the next drag another", () => {
  const { store, history } = started();
  for (const value of [1, 2, 3]) history.edit([weight(value)], "drag 1");
  for (const value of [4, 5]) history.edit([weight(value)], "drag 2");
  history.edit([weight(6)]);
  history.edit([weight(7)]);
  const seen = [];
  while (history.before) {
    history.undo();
    seen.push(store.view.edits.at(0)?.value ?? null);
  }
  assert.deepEqual(seen, [6, 5, 3, null]);
});

test("bugs that others set are undone too, and before is what one step back brings", () => {
  const { store, history } = started();
  history.edit([weight(1)]);
  store.set({ bugs: ["no_division"] });
  assert.deepEqual(history.before, { edits: [weight(1)], bugs: [] });
  history.reset();
  assert.deepEqual([store.view.edits, store.view.bugs], [[], []]);
  history.undo();
  assert.deepEqual(store.view.bugs, ["no_division"]);
  history.undo();
  assert.deepEqual(store.view.bugs, []);
});

test("what cannot be computed is taken back and is not redone", () => {
  const { store, history } = started();
  history.edit([weight(1)]);
  const shown = store.view;
  history.edit([weight(2)]);
  history.edit([weight(3)]);
  history.discard(shown);
  assert.deepEqual(store.view.edits, [weight(1)]);
  assert.deepEqual(history.before, { edits: [], bugs: [] });
  history.redo();
  assert.deepEqual(store.view.edits, [weight(1)]);
});

test("a page that begins with edits can be undone to none", () => {
  const { store, history } = started({ edits: [weight(1)] });
  history.undo();
  assert.deepEqual(store.view.edits, []);
});

test("other cases take the place of edits of cases, and an edit that of one at its place", () => {
  const input = { kind: "input", at: [0, 1], value: 3 };
  const target = { kind: "target", at: [0, 1], value: 3 };
  const cases = { kind: "cases", x: [[1]], t: [[0]], labels: ["1"] };
  const edits = [weight(1), input, target, weight(4)].reduce(withEdit, []);
  assert.deepEqual(edits, [input, target, weight(4)]);
  assert.deepEqual(withEdit(edits, cases), [weight(4), cases]);
  assert.deepEqual(withEdit([cases], input), [cases, input]);
});
