/**
 * What the user changed, to be undone and redone as often as one likes: the edits and the bugs.
 *
 * Whoever changes `view.edits` or `view.bugs` need not know of the history: it watches them.
 *
 * @typedef {import("./store.js").Edit} Edit
 * @typedef {import("./store.js").Store} Store
 * @typedef {{edits: Edit[], bugs: string[]}} Changed
 */

/** Which number or setting an edit replaces; a later edit of the same takes the place of the first.
 * @param {Edit} edit @returns {string} */
function editedPlace(edit) {
  switch (edit.kind) {
    case "parameter":
      return `${edit.key}[${edit.at}]`;
    case "activation":
      return `activation of ${edit.layer}`;
    case "cases":
      return "cases";
    default:
      return `${edit.kind}[${edit.at}]`;
  }
}

/** The edits with one more: in place of the one at the same place. Other cases take with them what
 * was changed of the cases before.
 * @param {Edit[]} edits @param {Edit} added @returns {Edit[]} */
export function withEdit(edits, added) {
  const stays = (/** @type {Edit} */ one) =>
    added.kind === "cases"
      ? one.kind === "parameter" || one.kind === "activation"
      : editedPlace(one) !== editedPlace(added);
  return [...edits.filter(stays), added];
}

/** The steps that can be undone and redone. */
export class EditHistory {
  /** @param {Store} store */
  constructor(store) {
    this.store = store;
    const { edits, bugs } = store.view;
    /** @type {Changed} */
    this.now = { edits, bugs };
    /** @type {Changed[]} */
    this.past = edits.length || bugs.length ? [{ edits: [], bugs: [] }] : [];
    /** @type {Changed[]} */
    this.future = [];
    /** @type {string | null} what the last change was part of, such as one drag */
    this.stroke = null;
    /** @type {string | null} */
    this.next = null;
    this.moves = false;
    store.watch(["edits", "bugs"], (view) => this.noticed(view));
  }

  /** Remember a change that someone made.
   * @param {Changed} view */
  noticed({ edits, bugs }) {
    if (this.moves || (edits === this.now.edits && bugs === this.now.bugs)) return;
    if (this.next === null || this.next !== this.stroke) this.past.push(this.now);
    this.future = [];
    this.stroke = this.next;
    this.now = { edits, bugs };
  }

  /** What one step back would bring; null where there is none.
   * @returns {Changed | null} */
  get before() {
    return this.past.at(-1) ?? null;
  }

  /** Edit something. The edits of one stroke, such as of one drag, are undone at once.
   * @param {Edit[]} edits @param {string | null} [stroke] the name of the stroke */
  edit(edits, stroke = null) {
    performance.mark("edited");
    this.next = stroke;
    this.store.set({ edits: edits.reduce(withEdit, this.store.view.edits) });
    this.next = null;
  }

  /** Go one step back. */
  undo() {
    const to = this.past.pop();
    if (!to) return;
    this.future.push(this.now);
    this.goTo(to);
  }

  /** Go one step forward again. */
  redo() {
    const to = this.future.pop();
    if (!to) return;
    this.past.push(this.now);
    this.goTo(to);
  }

  /** Take back the changes since some edits and bugs as if they had not been, because they cannot be
   * computed.
   * @param {Changed} shown what can be */
  discard({ edits, bugs }) {
    const isIt = (/** @type {Changed} */ one) => one.edits === edits && one.bugs === bugs;
    while (this.past.length && !isIt(this.now))
      this.now = /** @type {Changed} */ (this.past.pop());
    this.goTo({ edits, bugs });
  }

  /** Everything as it came; this can be undone like any change. */
  reset() {
    const { edits, bugs } = this.store.view;
    if (edits.length || bugs.length) this.store.set({ edits: [], bugs: [] });
  }

  /** @param {Changed} to */
  goTo(to) {
    this.now = to;
    this.stroke = null;
    this.moves = true;
    this.store.set(to);
    this.moves = false;
  }
}
