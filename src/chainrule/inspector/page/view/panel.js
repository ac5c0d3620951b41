/** The panel beside the picture: the steps of the pass, and what is said and asked of the one in
 * progress. */

import { afterFrame, button, make, reachWide, say } from "../dom.js";
import { goTo } from "../going.js";
import { isHidden } from "../hidden.js";
import { spokenName, userName } from "../names.js";
import { numberText } from "../numbers.js";
import { mountBreak } from "./panel_break.js";
import { mountHelp } from "./panel_help.js";
import { mountPaths } from "./panel_paths.js";
import { mountPredict } from "./panel_predict.js";
import { mountStep } from "./panel_step.js";
import { mountStrip } from "./panel_strip.js";

/**
 * @typedef {import("../main.js").App} App
 * @typedef {import("../store.js").View} View
 */

/** @type {{mode: View["mode"], key: string, text: string, title: string}[]} */
const MODES = [
  { mode: "look", key: "s", text: "Step", title: "The operation in progress, with its numbers" },
  { mode: "path", key: "w", text: "Paths", title: "Every path of one weight to the loss" },
  { mode: "predict", key: "q", text: "Predict", title: "Fill in numbers before they are shown" },
  { mode: "break", key: "b", text: "Break it", title: "Plant a bug and find it" },
];

/** @param {App} app @param {HTMLElement} element */
export function mountPanel(app, element) {
  const { operation, chosen } = app.store.view;
  if (operation >= 0 && !chosen) goTo(app, operation);
  const strip = make("div", { class: "strip" });
  element.append(strip, modeButtons(app));
  mountStrip(app, strip);
  for (const [mode, mount] of /** @type {const} */ ([
    ["look", mountStep],
    ["path", mountPaths],
    ["predict", mountPredict],
    ["break", mountBreak],
  ])) {
    const body = make("div", { class: `mode mode-${mode}`, hidden: true });
    element.append(body);
    mount(app, body);
    app.store.watch(["mode"], (view) => {
      const hides = view.mode !== mode && !(mode === "look" && view.mode === "film");
      if (hides && body.contains(document.activeElement)) element.focus();
      body.hidden = hides;
    });
  }
  app.store.watch(["mode"], ({ mode }) => {
    document.body.dataset.mode = mode;
  });
  mountHelp(app, element);
  announce(app);
  addEventListener("resize", () => reachWide(element, ".rule, .put, .scrolls"));
  document.querySelector(".skip")?.addEventListener("click", (event) => {
    event.preventDefault(); // the fragment of the address holds the view and the key
    element.focus();
  });
}

/** The buttons that choose what the panel is for.
 * @param {App} app @returns {HTMLElement} */
function modeButtons(app) {
  const choose = (/** @type {View["mode"]} */ mode) => app.store.set({ mode });
  const buttons = MODES.map(({ mode, key, text, title }) => {
    const says = title[0].toLowerCase() + title.slice(1);
    app.keys.bind({ keys: [key], group: "Views", says, run: () => choose(mode) });
    return button(text, `${title} (${key})`, () => choose(mode));
  });
  app.keys.bind({
    keys: ["Escape"],
    group: "Views",
    says: "back to the operation in progress",
    run: () => choose("look"),
  });
  app.store.watch(["mode"], (view) => {
    for (const [k, { mode }] of MODES.entries())
      buttons[k].setAttribute("aria-pressed", String(view.mode === mode));
  });
  return make("div", { class: "modes", role: "group", "aria-label": "View" }, ...buttons);
}

/** Say the step, the cell and its value whenever they change.
 * @param {App} app */
function announce(app) {
  let said = "";
  let before = app.store.view.operation; // the step is named when it is another
  let isOpening = true; // what is there when the page is opened is read there
  app.store.watch(["operation", "chosen", "pass"], async ({ chosen, operation }) => {
    const isFirst = isOpening;
    isOpening = false;
    const step = app.operations[operation];
    const { scene } = app.pass;
    if (!chosen) return;
    const { key, at } = chosen;
    if (app.pass.read(key, at) === undefined)
      await new Promise((done) => afterFrame(() => done(null))());
    await app.pass.need([{ key, region: at }]);
    if (app.store.view.chosen !== chosen) return;
    const isOther = step && operation !== before;
    before = operation;
    const where = isOther
      ? `Step ${operation + 1} of ${app.operations.length}, ${step.title}: `
      : "";
    const value = app.pass.read(key, at);
    const number = isHidden(app, key, at) ? "to be predicted" : numberText(value ?? Number.NaN);
    const own = userName(scene, key, at);
    const cell = `${spokenName(scene, key, at)}${own ? `, ${own},` : ""} is ${number}.`;
    if ((isOther || cell !== said) && !isFirst) say(where + cell);
    said = cell;
  });
}
