/** Predict, then reveal: cells of the operation in progress to be filled in and marked at once. */

import { button, make, reachWide, say } from "../dom.js";
import { cellsOnce, evaluate } from "../expressions.js";
import { goTo } from "../going.js";
import { formula, textOf } from "../math.js";
import { numberText } from "../numbers.js";
import { askedPlaces, faultOf, numberWritten, tolerance } from "../predicting.js";
import { namedParts, numbersPutIn, shortened, withNumbers } from "../rules.js";
import { infoOf } from "../scene.js";
import { caseOf, cellButton, cellMath, equation, meanings, ruleOf } from "./cell_parts.js";

/**
 * @typedef {import("../main.js").App} App
 * @typedef {import("../store.js").ChosenCell} ChosenCell
 * @typedef {import("../operations/operations.js").Operation} Operation
 * @typedef {import("../rules.js").Read} Read
 *
 * @typedef {Object} Quiz
 * @property {Operation | null} step
 * @property {ChosenCell[]} asked
 * @property {number} index which of them it is the turn of
 * @property {number} hints how many hints were taken for it
 * @property {"open" | "right" | "shown"} state of it
 * @property {string} said of the last answer
 * @property {number} seed
 * @property {{right: number, hinted: number, total: number}} score
 */

/** @param {App} app @param {HTMLElement} element */
export function mountPredict(app, element) {
  /** @type {Quiz} */
  const quiz = {
    step: null,
    asked: [],
    index: 0,
    hints: 0,
    state: "open",
    said: "",
    seed: 1,
    score: { right: 0, hinted: 0, total: 0 },
  };
  const redraw = () => drawQuiz(app, element, quiz, redraw);
  /** @type {unknown} */
  let known = null;
  app.store.watch(["mode", "operation", "pass", "case_"], ({ mode, operation, pass, case_ }) => {
    if (mode !== "predict") {
      known = null;
      if (app.store.view.hidden.length) app.store.set({ hidden: [] });
      return;
    }
    if (operation < 0) return goTo(app, 0);
    const now = `${operation} ${pass} ${case_}`;
    if (known === now) return;
    known = now;
    ask(app, quiz);
    redraw();
  });
}

/** Ask the next few cells of the operation in progress.
 * @param {App} app @param {Quiz} quiz */
function ask(app, quiz) {
  const { operation, case_ } = app.store.view;
  const step = app.operations[operation];
  const info = infoOf(app.pass.scene, step.target);
  const places = askedPlaces(info?.shape ?? [], info?.cases ?? false, case_, quiz.seed++);
  quiz.step = step;
  quiz.asked = places.map((at) => ({ key: step.target, at }));
  quiz.index = 0;
  startCell(app, quiz);
}

/** Begin with a cell: it and those after it are hidden.
 * @param {App} app @param {Quiz} quiz */
function startCell(app, quiz) {
  Object.assign(quiz, { hints: 0, state: "open", said: "" });
  app.store.set({ hidden: quiz.asked.slice(quiz.index), chosen: quiz.asked[quiz.index] });
}

/** @param {App} app @param {HTMLElement} element @param {Quiz} quiz @param {() => void} redraw */
async function drawQuiz(app, element, quiz, redraw) {
  const { step } = quiz;
  const one = quiz.asked[quiz.index];
  if (!step || !one) return;
  const parts = await withNumbers(app.pass, (read) => [
    ...question(app, quiz, step, one, read, redraw),
    ...(quiz.state === "open" ? given(app, step, one, read) : []),
    ...helps(app, quiz, step, one, read),
  ]);
  if (quiz.asked[quiz.index] !== one || app.store.view.mode !== "predict") return;
  element.replaceChildren(...parts);
  reachWide(element, ".rule, .put");
  const first = quiz.state === "open" ? "input" : ".go";
  const focused = /** @type {HTMLElement | null} */ (element.querySelector(first));
  focused?.focus({ preventScroll: true });
}

/** The cell that is asked, the field for it, what is said of the answer, and the buttons.
 * @param {App} app @param {Quiz} quiz @param {Operation} step @param {ChosenCell} one
 * @param {Read} read @param {() => void} redraw @returns {HTMLElement[]} */
function question(app, quiz, step, one, read, redraw) {
  const value = read(one.key, one.at);
  const name = formula(cellMath(app, one, caseOf(app, one)), "=");
  const field = make("input", {
    inputmode: "text",
    autocomplete: "off",
    size: 8,
    "aria-label": "Your number",
    "aria-describedby": "predict-said",
  });
  const open = quiz.state === "open";
  const form = make(
    "form",
    { class: "question" },
    make("span", { class: "asked" }, name),
    open ? field : make("b", { class: "value", text: numberText(value, 5) }),
    open ? make("button", { class: "go", text: "Check", title: "Mark it (Enter)" }) : null,
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    mark(app, quiz, step, one, read, field.value);
    redraw();
  });
  const kind = quiz.state === "right" ? "right" : quiz.said ? "wrong" : "";
  return [
    make("p", { class: "where", text: progress(quiz) }),
    make("h2", { text: step.title }),
    make("p", {
      class: "says",
      text: `${step.says} Which number is it? Two digits ${step.phase === "update" ? "of its change " : ""}will do; Esc leaves the field.`,
    }),
    form,
    make("p", { id: "predict-said", class: `said ${kind}`, text: quiz.said }),
    make("p", { class: "buttons" }, ...quizButtons(app, quiz, redraw)),
  ];
}

/** @param {Quiz} quiz @returns {string} */
function progress({ index, asked, score: { right, hinted, total } }) {
  const score = total
    ? ` · ${right} of ${total} right${hinted ? `, ${hinted} with hints` : ""}`
    : "";
  return `Cell ${index + 1} of ${asked.length}${score}`;
}

/** @param {App} app @param {Quiz} quiz @param {() => void} redraw @returns {HTMLElement[]} */
function quizButtons(app, quiz, redraw) {
  if (quiz.state === "open") {
    const hint = () => {
      quiz.hints++;
      redraw();
    };
    const reveal = () => {
      Object.assign(quiz, { state: "shown", said: "" });
      quiz.score.total++;
      unhide(app, quiz);
      const { key, at } = quiz.asked[quiz.index];
      say(`It is ${numberText(app.pass.read(key, at) ?? Number.NaN)}.`);
      redraw();
    };
    return [
      quiz.hints < 2
        ? button(["Hint: the rule", "Hint: the numbers"][quiz.hints], "A hint", hint)
        : null,
      button("Reveal", "Show the number; it counts as not right", reveal),
    ].filter((one) => one !== null);
  }
  const further = quiz.index + 1 < quiz.asked.length;
  const next = () => {
    if (further) {
      quiz.index++;
      startCell(app, quiz);
    } else ask(app, quiz);
    redraw();
  };
  const found = [
    button(further ? "Next cell" : "Other cells", "Go on (Enter)", next, { class: "go" }),
  ];
  if (!further && app.store.view.operation + 1 < app.operations.length)
    found.push(
      button("Next operation", "Cells of the next operation", () =>
        goTo(app, app.store.view.operation + 1),
      ),
    );
  return found;
}

/** Mark an answer, and say what is wrong with it.
 * @param {App} app @param {Quiz} quiz @param {Operation} step @param {ChosenCell} one
 * @param {Read} read @param {string} text */
function mark(app, quiz, step, one, read, text) {
  if (quiz.state !== "open") return;
  const value = read(one.key, one.at);
  const within = withinOf(step, one, read);
  const expression = step.expression(one.at);
  const manner = { scene: app.pass.scene, ownCase: caseOf(app, one), digits: 4 };
  const addends = expression.kind === "sum" && !expression.index ? expression.terms : [];
  const known = addends
    .filter((term) => term.kind !== "sum")
    .map((term) => ({ name: textOf(term, manner), value: evaluate(term, read) }));
  const fault = faultOf(numberWritten(text), value, known, within);
  quiz.said = fault || `Right, within ±${numberText(within, 1)}.`;
  say(quiz.said);
  if (fault) return;
  quiz.state = "right";
  quiz.score.right++;
  quiz.score.total++;
  if (quiz.hints) quiz.score.hinted++;
  unhide(app, quiz);
}

/** How far an answer may be from the number: of an updated one it is the change that matters.
 * @param {Operation} step @param {ChosenCell} one @param {Read} read @returns {number} */
function withinOf(step, one, read) {
  const value = read(one.key, one.at);
  const change =
    step.phase === "update" && one.at.length
      ? value - read(one.key.replace("_new", ""), one.at)
      : 0;
  return tolerance(change || value);
}

/** Show the cell that it is the turn of.
 * @param {App} app @param {Quiz} quiz */
const unhide = (app, quiz) => app.store.set({ hidden: quiz.asked.slice(quiz.index + 1) });

/** The numbers that the cell is made of, and of a long sum what the other terms add up to.
 * @param {App} app @param {Operation} step @param {ChosenCell} one @param {Read} read
 * @returns {HTMLElement[]} */
function given(app, step, one, read) {
  const short = shortened(step.expression(one.at), read, 4);
  const value = read(one.key, one.at);
  const within = withinOf(step, one, read);
  const suffices = (/** @type {number} */ digits) =>
    Math.abs(evaluate(numbersPutIn(short, read, digits), read) - value) <= within / 4;
  const digits = [3, 4, 5, 6, 7, 8].find(suffices) ?? 9;
  const ownCase = caseOf(app, one);
  const items = cellsOnce(short).map((each) =>
    make(
      "li",
      {},
      cellButton(app, each, ownCase),
      make("span", { text: `= ${numberText(read(each.key, each.at), digits)}` }),
    ),
  );
  for (const each of namedParts(short).values()) {
    if (each.kind !== "constant") continue;
    const text = each.name === "…" ? "all other terms together" : (each.name ?? "");
    items.push(make("li", {}, `${text} = ${numberText(each.value, digits)}`));
  }
  return [
    make("h3", { class: "minor", text: "Made of" }),
    make("ul", { class: "given" }, ...items),
  ];
}

/** The hints that were taken, and in the end the whole equation.
 * @param {App} app @param {Quiz} quiz @param {Operation} step @param {ChosenCell} one
 * @param {Read} read @returns {HTMLElement[]} */
function helps(app, quiz, step, one, read) {
  const found = [];
  if (quiz.hints > 0 || quiz.state !== "open")
    found.push(
      make("h3", { class: "minor", text: "The rule" }),
      ruleOf(app, step, one.at, read),
      make("p", { class: "shapes", text: meanings(app, step, step.expression(one.at)) }),
    );
  if (quiz.hints > 1 || quiz.state !== "open")
    found.push(
      make("h3", { class: "minor", text: "The numbers put in" }),
      equation(app, step, one.at, read, quiz.state !== "open").element,
    );
  return found;
}
