/** The current array as a real table, for screen readers and for everybody. */

import { clamped } from "../arrays.js";
import { afterFrame, button, make, tableWith } from "../dom.js";
import { choose } from "../going.js";
import { isHidden } from "../hidden.js";
import { arrayName, headerOf, nameText } from "../names.js";
import { numberText } from "../numbers.js";
import { infoOf } from "../scene.js";
import { indicesIn } from "../windows.js";
import { ownWords } from "./cell_parts.js";

/**
 * @typedef {import("../main.js").App} App
 * @typedef {import("../arrays.js").Place} Place
 * @typedef {import("../store.js").ChosenCell} ChosenCell
 *
 * @typedef {Object} Page  what of an array is on the page
 * @property {string} key
 * @property {number[]} shape with a first axis of 1 where the array has one axis alone
 * @property {Place} at the chosen place
 * @property {number} down the first row
 * @property {number} across the first column
 */

const ROWS = 16;
const COLUMNS = 10;

/** @param {App} app @param {HTMLElement} element */
export function mountTable(app, element) {
  const arrays = make("select", { "aria-label": "Array" });
  const body = make("div", { class: "table-body" });
  let wantsFocus = false; // as soon as the table is drawn
  const details = make(
    "details",
    {},
    make("summary", { text: "The numbers as a table" }),
    make("div", { class: "table-head" }, arrays),
    body,
  );
  element.append(details);
  arrays.addEventListener("change", () => choose(app, firstCell(app, arrays.value)));
  /** @type {Element | null} */
  let from = null;
  const turn = () => {
    wantsFocus = !details.open;
    if (wantsFocus) from = document.activeElement;
    else if (from instanceof HTMLElement) from.focus();
    details.open = wantsFocus;
  };
  const says = "the numbers as a table";
  app.keys.bind({ keys: ["t"], group: "Views", says, run: turn });
  bindArrows(app, body);
  const group = "In the table";
  app.keys.bind({ keys: ["Escape"], group, says: "close it", within: body, run: turn });
  details.addEventListener("toggle", () => {
    const { scene } = app.pass;
    if (details.open && !app.store.view.chosen) choose(app, firstCell(app, scene.arrays[0].key));
    draw();
  });
  const draw = afterFrame(async () => {
    const { chosen, pass } = app.store.view;
    if (!details.open || !chosen) return;
    fillArrays(app, arrays, chosen.key);
    const page = pageAround(app, chosen);
    await app.pass.need([{ key: page.key, region: regionOf(app, page) }]);
    const { view } = app.store;
    if (view.chosen !== chosen || view.pass !== pass) return;
    const hadFocus = wantsFocus || body.contains(document.activeElement);
    wantsFocus = false;
    body.replaceChildren(...aroundTable(app, page), tableOf(app, page));
    if (hadFocus)
      /** @type {HTMLElement | null} */ (body.querySelector("td[tabindex='0']"))?.focus();
  });
  app.store.watch(["chosen", "pass", "mode", "hidden"], draw);
}

/** @param {App} app @param {string} key @returns {ChosenCell} */
function firstCell(app, key) {
  const info = infoOf(app.pass.scene, key);
  const at = (info?.shape ?? []).map(() => 0);
  const { case_, alone } = app.store.view;
  if (info?.cases && !alone) at[0] = Math.min(case_, info.shape[0] - 1);
  return { key, at };
}

/** The list of arrays, by layers.
 * @param {App} app @param {HTMLSelectElement} select @param {string} key */
function fillArrays(app, select, key) {
  const { scene } = app.pass;
  if (select.dataset.version !== String(app.store.view.pass)) {
    const layers = [...new Set(scene.arrays.map(({ layer }) => layer))];
    select.replaceChildren(
      ...layers.map((layer) =>
        make(
          "optgroup",
          { label: layer },
          ...scene.arrays
            .filter((info) => info.layer === layer)
            .map((info) =>
              make("option", {
                value: info.key,
                text: `${arrayName(scene, info.key)} (${info.shape.join("×")})`,
              }),
            ),
        ),
      ),
    );
    select.dataset.version = String(app.store.view.pass);
  }
  select.value = key;
}

/** The page of the table on which a cell is.
 * @param {App} app @param {ChosenCell} chosen @returns {Page} */
function pageAround(app, { key, at }) {
  const own = infoOf(app.pass.scene, key)?.shape ?? [];
  const shape = own.length < 2 ? [1, ...own, ...(own.length ? [] : [1])] : own;
  const [row, column] = [at[at.length - 2] ?? 0, at[at.length - 1] ?? 0];
  return {
    key,
    shape,
    at,
    down: Math.floor(row / ROWS) * ROWS,
    across: Math.floor(column / COLUMNS) * COLUMNS,
  };
}

/** The place of a row and a column on a page.
 * @param {Page} page @param {number} row @param {number} column @returns {Place} */
function placeIn({ at }, row, column) {
  if (!at.length) return [];
  if (at.length === 1) return [column];
  return [...at.slice(0, -2), row, column];
}

/** @param {App} app @param {Page} page @returns {import("../arrays.js").Region} */
function regionOf(app, { key, shape, at, down, across }) {
  const [rows, columns] = shape.slice(-2);
  const over = /** @type {[number, number]} */ ([across, Math.min(across + COLUMNS, columns)]);
  const along = /** @type {[number, number]} */ ([down, Math.min(down + ROWS, rows)]);
  const axes = infoOf(app.pass.scene, key)?.shape.length ?? 0;
  if (axes < 2) return axes ? [over] : [];
  return [...at.slice(0, -2), along, over];
}

/** What stands above the table: what the array is, where in it the table is, and the pages.
 * @param {App} app @param {Page} page @returns {HTMLElement[]} */
function aroundTable(app, page) {
  const { key, shape, at, down, across } = page;
  const [rows, columns] = shape.slice(-2);
  const go = (/** @type {number} */ row, /** @type {number} */ column) =>
    choose(app, {
      key,
      at: placeIn(page, clamped(row, 0, rows - 1), clamped(column, 0, columns - 1)),
    });
  const [row, column] = [at[at.length - 2] ?? 0, at[at.length - 1] ?? 0];
  const info = infoOf(app.pass.scene, key);
  const says = info?.says ? make("p", { class: "says", text: info.says }) : null;
  const turn = (
    /** @type {string} */ text,
    /** @type {string} */ title,
    /** @type {boolean} */ on,
    /** @type {() => void} */ run,
  ) => button(text, title, run, { disabled: !on });
  const pages = make("p", { class: "pages" });
  if (rows > ROWS)
    pages.append(
      turn("↑", "Rows before (Page Up)", down > 0, () => go(down - 1, column)),
      ` rows ${down + 1}–${Math.min(down + ROWS, rows)} of ${rows} `,
      turn("↓", "More rows (Page Down)", down + ROWS < rows, () => go(down + ROWS, column)),
    );
  if (columns > COLUMNS)
    pages.append(
      turn("←", "Columns before", across > 0, () => go(row, across - 1)),
      ` columns ${across + 1}–${Math.min(across + COLUMNS, columns)} of ${columns} `,
      turn("→", "More columns", across + COLUMNS < columns, () => go(row, across + COLUMNS)),
    );
  const outer = at.slice(0, -2).map((_, axis) => outerAxis(app, page, axis));
  return [...(says ? [says] : []), make("div", { class: "outer" }, ...outer), pages];
}

/** A list for an index outside the table: the case, the channel, the filter.
 * @param {App} app @param {Page} page @param {number} axis @returns {HTMLElement} */
function outerAxis(app, { key, shape, at }, axis) {
  const { scene } = app.pass;
  const isCase = axis === 0 && infoOf(scene, key)?.cases;
  const name = isCase ? "Case" : `Index ${axis + (infoOf(scene, key)?.cases ? 0 : 1)}`;
  const select = make("select", {});
  for (let k = 0; k < shape[axis]; k++)
    select.append(make("option", { value: k, text: String(k + 1), selected: k === at[axis] }));
  select.addEventListener("change", () =>
    choose(app, { key, at: at.with(axis, Number(select.value)) }),
  );
  return make("label", {}, `${name} `, select);
}

/** The table itself.
 * @param {App} app @param {Page} page @returns {HTMLElement} */
function tableOf(app, page) {
  const { scene } = app.pass;
  const { key, shape, at, down, across } = page;
  const [rows, columns] = shape.slice(-2);
  const axes = infoOf(scene, key)?.shape.length ?? 0;
  const range = (
    /** @type {number} */ first,
    /** @type {number} */ many,
    /** @type {number} */ end,
  ) => indicesIn([first, Math.min(first + many, end)]);
  const heads = range(across, COLUMNS, columns).map((column) =>
    axes ? headerOf(scene, key, axes - 1, column) : "",
  );
  const lines = range(down, ROWS, rows).map((row) =>
    make(
      "tr",
      {},
      make("th", { scope: "row", text: axes > 1 ? headerOf(scene, key, axes - 2, row) : "" }),
      ...range(across, COLUMNS, columns).map((column) =>
        cellOf(app, { key, at: placeIn(page, row, column) }, at),
      ),
    ),
  );
  const caption = make("caption", { text: `${arrayName(scene, key)}, ${shape.join(" × ")}` });
  return tableWith("numbers", ["", ...heads], lines, caption);
}

/** @param {App} app @param {ChosenCell} one @param {Place} chosen @returns {HTMLElement} */
function cellOf(app, one, chosen) {
  const isChosen = one.at.every((place, axis) => place === chosen[axis]);
  const value = app.pass.read(one.key, one.at) ?? Number.NaN;
  const text = isHidden(app, one.key, one.at) ? "?" : numberText(value);
  const made = make("td", {
    text,
    tabindex: isChosen ? 0 : -1,
    title: [nameText(app.pass.scene, one.key, one.at), ownWords(app, one, value)].join(" "),
    class: isChosen ? "is-chosen" : "",
  });
  made.addEventListener("click", () => choose(app, one));
  return made;
}

/** The arrow keys go from cell to cell while the focus is in the table.
 * @param {App} app @param {HTMLElement} within */
function bindArrows(app, within) {
  /** @type {[string, string, number, number][]} */
  const moves = [
    ["ArrowUp", "the cell above", -1, 0],
    ["ArrowDown", "the cell below", 1, 0],
    ["ArrowLeft", "the cell to the left", 0, -1],
    ["ArrowRight", "the cell to the right", 0, 1],
    ["PageUp", "the page above", -ROWS, 0],
    ["PageDown", "the page below", ROWS, 0],
  ];
  for (const [key, says, down, across] of moves)
    app.keys.bind({
      keys: [key],
      group: "In the table",
      says,
      within,
      run: () => {
        const { chosen } = app.store.view;
        if (!chosen) return;
        const shape = infoOf(app.pass.scene, chosen.key)?.shape ?? [];
        const last = chosen.at.length - 1;
        const at = chosen.at.map((place, axis) => {
          const by = axis === last ? across : axis === last - 1 ? down : 0;
          return clamped(place + by, 0, shape[axis] - 1);
        });
        if (at.some((place, axis) => place !== chosen.at[axis]))
          choose(app, { key: chosen.key, at });
      },
    });
}
