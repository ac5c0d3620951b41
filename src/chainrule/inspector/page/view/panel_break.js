/** Break it: a bug is planted in the backward pass, to be seen, to be found, and to be understood. */

import { button, make, refill, say, tableWith } from "../dom.js";
import { wantedBy } from "../following.js";
import { choose, goTo } from "../going.js";
import { arrayName, nameText } from "../names.js";
import { numberText } from "../numbers.js";
import { huntOf } from "../predicting.js";

/**
 * @typedef {import("../main.js").App} App
 * @typedef {import("../scene.js").BugTold} BugTold
 * @typedef {import("../source.js").CheckRow} CheckRow
 * @typedef {import("../source.js").Pass} Pass
 *
 * @typedef {Object} Hunt  a bug that is not told
 * @property {BugTold} bug
 * @property {BugTold[]} choices
 * @property {BugTold | null} guess the last one
 * @property {boolean} hinted
 */

/** @param {App} app @param {HTMLElement} element */
export function mountBreak(app, element) {
  const bugs = app.source.scene.bugs ?? [];
  /** @type {{hunt: Hunt | null, seed: number | null}} */
  const state = { hunt: null, seed: null };
  const controls = make("div", {});
  const about = make("div", {});
  const check = make("div", { class: "check" });
  element.append(
    make("h2", { text: "Break it" }),
    make("p", {
      class: "says",
      text:
        "One wrong rule in the backward pass, of those that people really write. The forward pass" +
        " stays right; see which numbers turn wrong, and how the gradient check finds out.",
    }),
    controls,
    about,
    check,
  );
  const plant = (/** @type {string[]} */ names, /** @type {number | null} */ hunt = null) =>
    app.store.set({ bugs: names, hunt });
  const draw = () => {
    const planted = bugs.find(({ name }) => name === app.store.view.bugs[0]) ?? null;
    const { hunt } = app.store.view;
    if (state.seed !== hunt) {
      state.seed = hunt;
      state.hunt = hunt === null ? null : { ...huntOf(bugs, hunt), guess: null, hinted: false };
    }
    if (state.hunt && state.hunt.bug !== planted) return plant(app.store.view.bugs);
    refill(controls, chooser(bugs, planted, state.hunt, plant));
    refill(about, planted ? aboutBug(app, planted, state, draw) : []);
  };
  app.store.watch(["mode", "bugs", "hunt", "wrong"], ({ mode }) => mode === "break" && draw());
  app.store.watch(["wrong"], () => {
    const text = about.querySelector(".trace")?.textContent;
    if (text && app.store.view.mode === "break") setTimeout(() => say(text), 150); // after the cell
  });
  app.store.watch(["pass"], () => {
    app.store.set({ wrong: app.right ? differingKeys(app.pass, app.right) : NONE });
  });
  keepChecking(app, check);
}

/** @type {string[]} */
const NONE = [];

/** The list of bugs, one at random to be found, and none.
 * @param {BugTold[]} bugs @param {BugTold | null} planted @param {Hunt | null} hunt
 * @param {(names: string[], hunt?: number) => void} plant @returns {HTMLElement[]} */
function chooser(bugs, planted, hunt, plant) {
  if (!bugs.length) return [make("p", { text: "None of the known bugs changes this network." })];
  const list = make("select", {});
  list.append(make("option", { value: "", text: hunt ? "one that is not told" : "none" }));
  for (const { name, title } of bugs) list.append(make("option", { value: name, text: title }));
  list.value = hunt ? "" : (planted?.name ?? "");
  list.addEventListener("change", () => plant(list.value ? [list.value] : []));
  const hide = () => {
    let seed = Date.now() % 100_000;
    while (bugs.length > 1 && huntOf(bugs, seed).bug === planted) seed++;
    plant([huntOf(bugs, seed).bug.name], seed);
  };
  const none = button("None", "Take the bug out", () => plant([]));
  none.disabled = !planted;
  return [
    make(
      "p",
      { class: "buttons" },
      make("label", {}, "Bug ", list),
      button("One to find", "Plant a bug without telling which; Copy link hands it on", hide),
      none,
    ),
  ];
}

/** What the bug is, or the question which it is; and where numbers turn wrong.
 * @param {App} app @param {BugTold} bug @param {{hunt: Hunt | null}} state @param {() => void} draw
 * @returns {HTMLElement[]} */
function aboutBug(app, bug, state, draw) {
  const { hunt } = state;
  const told = !hunt || hunt.guess === bug;
  const found = told ? rules(bug) : questionOf(hunt, draw);
  return [...found, ...trace(app)];
}

/** The wrong rule beside the right one.
 * @param {BugTold} bug @returns {HTMLElement[]} */
function rules(bug) {
  const one = (
    /** @type {string} */ kind,
    /** @type {string} */ title,
    /** @type {string} */ code,
  ) =>
    make(
      "div",
      { class: `side ${kind}` },
      make("h3", { class: "minor", text: title }),
      make("pre", {}, make("code", { text: code })),
    );
  return [
    make("p", { class: "says", text: bug.sentence }),
    make(
      "div",
      { class: "sides" },
      one("is-wrong", "Wrong", bug.wrong),
      one("is-right", "Right", bug.right),
    ),
    make("p", { class: "own", text: bug.rule }),
  ];
}

/** Which bug is it?
 * @param {Hunt} hunt @param {() => void} draw @returns {HTMLElement[]} */
function questionOf(hunt, draw) {
  const answer = (/** @type {BugTold} */ one) => {
    hunt.guess = one;
    say(one === hunt.bug ? `Right: ${one.title}.` : `It is not: ${one.title}.`);
    draw();
  };
  const choices = hunt.choices.map((one) =>
    button(one.title, one.sentence, () => answer(one), { disabled: hunt.guess === one }),
  );
  const hint = button("Hint", "A hint that does not give it away", () => {
    hunt.hinted = true;
    draw();
  });
  return [
    make("h3", { text: "Which bug is it?" }),
    make("div", { class: "choices" }, ...choices),
    make("p", { class: "said wrong", text: hunt.guess ? `It is not: ${hunt.guess.title}.` : "" }),
    hunt.hinted ? make("p", { class: "says", text: hunt.bug.hint }) : hint,
  ];
}

/** The keys of the arrays that differ between two passes.
 * @param {Pass} pass @param {Pass} right @returns {string[]} */
function differingKeys(pass, right) {
  return pass.scene.arrays.map(({ key }) => key).filter((key) => differs(pass, right, key));
}

/** Whether an array differs: some number by more than what rough numbers are rough.
 * @param {Pass} pass @param {Pass} right @param {string} key @returns {boolean} */
function differs(pass, right, key) {
  if (!right.scene.arrays.some((one) => one.key === key)) return false;
  const [a, b] = [pass.levels(key), right.levels(key)];
  const size = Math.max(a.largest, b.largest);
  if (Math.abs(a.largest - b.largest) > 1e-9 * size) return true;
  const isRough = a.data instanceof Int8Array || b.data instanceof Int8Array;
  const most = isRough ? 0.51 * (a.scale + b.scale) : 1e-9 * size;
  for (let k = 0; k < a.data.length; k++) {
    const [one, other] = [a.data[k] * a.scale, b.data[k] * b.scale];
    if (Number.isNaN(one) !== Number.isNaN(other)) return true;
    if (Math.abs(one - other) > most) return true;
  }
  return false;
}

/** From which operation on numbers are wrong, and which.
 * @param {App} app @returns {HTMLElement[]} */
function trace(app) {
  const after = app.operations
    .map((step, k) => ({ step, k }))
    .filter(({ step }) => app.store.view.wrong.includes(step.target));
  if (!after.length) return [make("p", { text: "No number differs from the right pass." })];
  const buttons = after.map(({ step, k }) =>
    button(arrayName(app.pass.scene, step.target), `${step.title}: go there`, () => {
      goTo(app, k);
      app.store.set({ mode: "look" });
    }),
  );
  const { scene } = app.pass;
  const text = `Wrong from step ${after[0].k + 1} on: ${after.length} of ${app.operations.length} arrays.`;
  return [
    make("h3", { class: "minor", text: "What turns wrong" }),
    make("p", { class: "says trace", text }),
    make(
      "div",
      { class: "choices", "aria-label": `Wrong arrays of ${scene.title}`, role: "group" },
      ...buttons,
    ),
  ];
}

/** The gradient check, again for every pass that is shown while this view is.
 * @param {App} app @param {HTMLElement} element */
function keepChecking(app, element) {
  let wanted = 0;
  app.store.watch(["mode", "pass"], async ({ mode }) => {
    if (mode !== "break") return;
    const mine = ++wanted;
    element.setAttribute("aria-busy", "true");
    try {
      const rows = await app.source.gradientCheck(wantedBy(app.store.view));
      if (mine === wanted) element.replaceChildren(...checkTable(app, rows));
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      if (mine === wanted) element.replaceChildren(make("p", { class: "said wrong", text }));
    } finally {
      if (mine === wanted) element.removeAttribute("aria-busy");
    }
  });
}

const VERDICTS = {
  right: "right",
  wrong: "wrong",
  kink: "at a kink",
  unsure: "unsure",
  truncated: "truncated",
};

/** @param {App} app @param {CheckRow} row @returns {HTMLElement} */
function checkLine(app, { key, at, verdict, analytic, numeric, error }) {
  const go = () => choose(app, { key, at });
  const name = button(nameText(app.pass.scene, key, at), "Go to this cell", go, { class: "cell" });
  const isWrong = verdict === "wrong";
  return make(
    "tr",
    { class: isWrong ? "is-wrong" : "" },
    make("th", { scope: "row" }, name),
    make("td", { class: isWrong ? "wrong" : "right", text: VERDICTS[verdict] }),
    ...[numberText(analytic), numberText(numeric), numberText(error, 1)].map((text) =>
      make("td", { class: "number", text }),
    ),
  );
}

/** @param {App} app @param {CheckRow[]} rows @returns {HTMLElement[]} */
function checkTable(app, rows) {
  if (!rows.length) return [];
  const sum = (/** @type {(row: CheckRow) => number} */ of) =>
    rows.reduce((all, row) => all + of(row), 0).toLocaleString("en");
  const kinks = rows.some((row) => row.kinks)
    ? `, ${sum((row) => row.kinks)} left out at kinks`
    : "";
  const tried = `${sum((row) => row.tried)} of ${sum((row) => row.of)} numbers tried${kinks}.`;
  const heads = ["Worst cell", "Verdict", "Backward", "Measured", "Error"];
  return [
    make("h3", { class: "minor", text: "The gradient check" }),
    make("p", {
      class: "says",
      text:
        "Each number is moved a little, and the loss computed again: how far that moves, over how far the number did, must be the gradient. " +
        tried,
    }),
    tableWith(
      "terms",
      heads,
      rows.map((row) => checkLine(app, row)),
    ),
  ];
}
