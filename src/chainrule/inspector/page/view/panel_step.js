/** The operation in progress: its rule, its shapes, and the chosen cell with all that is in it. */

import { placesIn, sizeOf } from "../arrays.js";
import { derivative } from "../derivative.js";
import { afterFrame, button, make, reachWide, refill, tableWith } from "../dom.js";
import { cellsOf, cellsOnce, evaluate } from "../expressions.js";
import { choose, goTo } from "../going.js";
import { formula, mathOf } from "../math.js";
import { arrayName, nameText } from "../names.js";
import { numberText } from "../numbers.js";
import { numbersPutIn, withNumbers } from "../rules.js";
import { infoOf } from "../scene.js";
import {
  bar,
  caseOf,
  cellButton,
  cellMath,
  equation,
  lightsUp,
  meanings,
  ownWords,
  ruleOf,
  termsOf,
} from "./cell_parts.js";
import { copyText } from "./copying.js";
import { phaseName } from "./panel_strip.js";
import { piecesOf } from "./pieces.js";
import { shapesLine } from "./shapes_line.js";

/**
 * @typedef {import("../main.js").App} App
 * @typedef {import("../store.js").ChosenCell} ChosenCell
 * @typedef {import("../operations/operations.js").Operation} Operation
 * @typedef {import("../rules.js").Read} Read
 */

const MOST_TERMS = 8;

/** @param {App} app @param {HTMLElement} element */
export function mountStep(app, element) {
  const about = make("div", { class: "about" });
  const cell = make("div", { class: "chosen" });
  element.append(about, cell);
  let wanted = 0;
  const draw = async () => {
    const { mode, chosen, operation } = app.store.view;
    if (mode !== "look" && mode !== "film") return;
    const mine = ++wanted;
    const loaded = loadTerms(app);
    if (loaded instanceof Promise) await loaded;
    const drawn = withNumbers(app.pass, (read) => stepParts(app, read));
    const [first, second] = drawn instanceof Promise ? await drawn : drawn;
    if (mine !== wanted) return;
    refill(about, first);
    refill(cell, chosen ? second : []);
    const upper = chosen && operation < 0 ? cell : about;
    if (element.firstChild !== upper) element.prepend(upper);
    reachWide(element, ".rule, .put, .scrolls");
    performance.mark("panel-drawn");
  };
  app.store.watch(["operation", "chosen", "mode"], afterFrame(draw));
  app.store.watch(["pass"], ({ pass }) => {
    if (pass) draw(); // the first one after the first picture
  });
}

/** Load the numbers of the chosen cell at once, before anything is made of them.
 * @param {App} app @returns {void | Promise<void>} */
function loadTerms({ pass, operations, store }) {
  const { chosen } = store.view;
  if (!chosen) return;
  const step = operations.find((one) => one.target === chosen.key);
  return withNumbers(pass, (read) => {
    read(chosen.key, chosen.at);
    if (step) for (const one of cellsOf(step.expression(chosen.at))) read(one.key, one.at);
  });
}

/** @param {App} app @param {Read} read @returns {[HTMLElement[], HTMLElement[]]} */
function stepParts(app, read) {
  const { operation, chosen } = app.store.view;
  const step = app.operations[operation];
  const about = step ? aboutOperation(app, step, read) : aboutPass(app);
  return [about, chosen ? aboutCell(app, chosen, read) : []];
}

/** What is said where no operation is in progress.
 * @param {App} app @returns {HTMLElement[]} */
function aboutPass(app) {
  const { scene, loss } = app.pass;
  const layers = scene.layers.map(({ name }) => name).join(" → ");
  const cases = infoOf(scene, "input.out")?.shape[0] ?? 1;
  const many = cases === 1 ? "one case" : `${cases} cases`;
  const start = button("Step through it", "The first operation (→)", () => goTo(app, 0));
  const phases = app.operations.some(({ phase }) => phase === "update") ? ", and the update" : "";
  return [
    make("p", { class: "where", text: "The whole pass" }),
    make("h2", { text: scene.title }),
    make("p", {
      class: "says",
      text: `${layers}, with ${many}. The loss is ${numberText(loss)}.`,
    }),
    ...scene.notes.map((text) => make("p", { class: "says", text })),
    make("p", {
      class: "says",
      text:
        "Each layer is a column: above the line what the forward pass computes, below it how the" +
        ` loss moves with each number${phases}. Point at a number to read what it is; choose it to` +
        ` see where it comes from and what it influences. ${app.operations.length} operations` +
        " lead from the inputs to the loss and back.",
    }),
    make("p", {}, start),
  ];
}

/** What is said of an operation.
 * @param {App} app @param {Operation} step @param {Read} read @returns {HTMLElement[]} */
function aboutOperation(app, step, read) {
  const { scene } = app.pass;
  const { chosen } = app.store.view;
  const shape = infoOf(scene, step.target)?.shape ?? [];
  const at = chosen?.key === step.target ? chosen.at : shape.map(() => 0);
  const layer = scene.layers.find((one) => one.name === step.layer);
  const where = layer ? `layer ${layer.number}, ${layer.name}` : step.layer;
  return [
    make("p", { class: "where", text: `${phaseName(step.phase)} · ${where}` }),
    make("h2", { text: step.title }),
    make("p", { class: "says", text: step.says }),
    ruleOf(app, step, at, read),
    make("p", { class: "shapes", text: meanings(app, step, step.expression(at)) }),
    shapesLine(app, step),
    make("pre", { class: "numpy" }, make("code", { text: step.numpy })),
  ];
}

/** What is said of the chosen cell.
 * @param {App} app @param {ChosenCell} chosen @param {Read} read @returns {HTMLElement[]} */
function aboutCell(app, chosen, read) {
  const { scene } = app.pass;
  const { key, at } = chosen;
  const step = app.operations.find((one) => one.target === key);
  const found = [cellHeading(app, chosen, read)];
  const says = infoOf(scene, key)?.says;
  if (step) {
    const { element, text } = equation(app, step, at, read);
    const copy = () => copyText(text, "The lines are copied.");
    found.push(element, button("Copy", "Copy these lines as text", copy, { class: "copy" }));
  } else if (says) found.push(make("p", { class: "says", text: says }));
  if (step) found.push(...piecesOf(app, step, at, read), ...termsTable(app, step, at, read));
  found.push(...influencedBy(app, chosen));
  return found;
}

/** @param {App} app @param {ChosenCell} chosen @param {Read} read @returns {HTMLElement} */
function cellHeading(app, chosen, read) {
  const { scene } = app.pass;
  const { key, at } = chosen;
  const own = ownWords(app, chosen, read(key, at));
  const ownCase = caseOf(app, chosen);
  const known = ownCase === null ? null : scene.cases[ownCase];
  const label = known?.label ? ` · ${known.label}` : "";
  const of = [own, ownCase === null ? "" : `case ${ownCase + 1}${label}`].filter(Boolean);
  return make(
    "h3",
    {},
    formula(cellMath(app, chosen, ownCase)),
    make("span", { class: "value", text: ` = ${numberText(read(key, at), 5)}` }),
    make("span", { class: "own", text: of.length ? ` ${of.join(", ")}` : "" }),
  );
}

/** Where a cell comes from: each term of its sum as a row; where it is no sum, each cell that it
 * reads, with the slope by which it follows that cell. The largest first.
 * @param {App} app @param {Operation} step @param {import("../arrays.js").Place} at
 * @param {Read} read @returns {HTMLElement[]} */
function termsTable(app, step, at, read) {
  const expression = step.expression(at);
  const terms = termsOf(expression);
  const isSum = terms.length > 1;
  const parts = isSum
    ? terms.map((term) => ({ cells: cellsOnce(term), term, value: evaluate(term, read) }))
    : cellsOnce(expression).map((one) => ({
        cells: [one],
        term: one,
        value: derivative(expression, one, read),
      }));
  if (!parts.length) return [];
  parts.sort((a, b) => Math.abs(b.value) - Math.abs(a.value));
  const rest = parts.slice(MOST_TERMS);
  const largest = Math.abs(parts[0].value);
  const rows = parts.slice(0, MOST_TERMS).map(({ cells, term, value }) => {
    const ownCase = caseOf(app, { key: step.target, at });
    const few = cells.slice(0, 6).map((one) => cellButton(app, one, ownCase));
    const more = cells.length > 6 ? ` and ${cells.length - 6} more` : "";
    const manner = { scene: app.pass.scene, ownCase, digits: 3 };
    const numbers = formula(mathOf(numbersPutIn(term, read, 3), manner));
    const row = termRow([...few, more], numbers, value, largest);
    if (cells.length) lightsUp(app, row, cells[0]);
    return row;
  });
  if (rest.length) {
    const sum = rest.reduce((total, { value }) => total + value, 0);
    const many = `${rest.length.toLocaleString("en")} smaller`;
    const [left, value] = isSum ? [`${many} terms`, sum] : [`${many} ones`, Number.NaN];
    rows.push(termRow([left], null, value, largest));
  }
  const heads = ["Comes from", isSum ? "Numbers" : "Number", isSum ? "Term" : "Slope", ""];
  return [tableWith("terms", heads, rows)];
}

/** @param {(Node | string)[]} left @param {Node | null} numbers @param {number} value NaN: none
 * @param {number} largest @returns {HTMLElement} */
function termRow(left, numbers, value, largest) {
  const isThere = !Number.isNaN(value);
  return make(
    "tr",
    {},
    make("th", { scope: "row" }, ...left),
    make("td", {}, numbers),
    make("td", { class: "number", text: isThere ? numberText(value) : "" }),
    make("td", { class: "bars" }, isThere ? bar(value, largest) : null),
  );
}

/** What the chosen cell influences: for each operation that reads it how many cells, as buttons.
 * @param {App} app @param {ChosenCell} chosen @returns {HTMLElement[]} */
function influencedBy(app, { key, at }) {
  const { scene } = app.pass;
  const items = app.operations.flatMap((step) => {
    if (!step.reads.includes(key)) return [];
    const shape = infoOf(scene, step.target)?.shape ?? [];
    const regions = step.influences(key, at);
    const count = regions.reduce((all, region) => all + sizeOf(lengthsOf(shape, region)), 0);
    if (!count) return [];
    const first = regions.map((region) => placesIn(shape, region).next().value).find(Boolean);
    if (!first) return [];
    const one = { key: step.target, at: first };
    const text = count === 1 ? nameText(scene, one.key, first, at[0]) : arrayName(scene, one.key);
    const made = button(text, `${step.title}: go to ${nameText(scene, one.key, first)}`, () =>
      choose(app, one),
    );
    made.classList.add("cell");
    const many = count === 1 ? "" : ` ${count.toLocaleString("en")} numbers`;
    return [make("li", {}, made, make("span", { class: "own", text: many }))];
  });
  if (!items.length) return [];
  return [
    make("h3", { class: "minor", text: "Influences" }),
    make("ul", { class: "influences" }, ...items),
  ];
}

/** The lengths of a region along each axis.
 * @param {number[]} shape @param {import("../arrays.js").Region} region @returns {number[]} */
function lengthsOf(shape, region) {
  return shape.map((length, axis) => {
    const one = region[axis];
    if (one === null || one === undefined) return length;
    return typeof one === "number" ? 1 : Math.max(0, one[1] - one[0]);
  });
}
