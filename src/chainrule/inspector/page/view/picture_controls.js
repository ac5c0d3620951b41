/** What moves the picture: pointers and keys, the buttons below it, and the view of the page. */

import { button, make } from "../dom.js";
import { choose } from "../going.js";
import { hides } from "../hidden.js";
import { infoOf } from "../scene.js";
import { followPointers } from "./camera.js";
import { currentPalette } from "./colours.js";
import { shortNumber } from "./drawing.js";
import { wayOfLight } from "./light.js";
import { Picture } from "./picture.js";
import { partnerOf } from "./tooltip.js";

/**
 * @typedef {import("../main.js").App} App
 * @typedef {import("../store.js").ChosenCell} ChosenCell
 */

/** The picture, in its element.
 * @param {App} app @param {HTMLElement} element */
export function mountPicture(app, element) {
  const area = make("div", {
    class: "area",
    tabindex: "0",
    role: "application",
    "aria-label": "The pass as blocks of cells. Arrow keys choose a cell, [ and ] another array.",
  });
  const foot = make("div", { class: "foot" });
  element.append(area, foot);
  const picture = new Picture(app, area);
  watchView(app, picture); // first, so that the legend reads the numbers of the new pass
  foot.append(legend(picture), lightSwitches(app), zoomButtons(picture));
  followArea(app, picture);
  followPaper(picture);
  bindPictureKeys(app, picture);
}

/** Draw anew what changes with the view.
 * @param {App} app @param {Picture} picture */
function watchView(app, picture) {
  app.store.watch(["pass"], () => picture.levels.clear());
  app.store.watch(["pass", "case_"], () => {
    picture.refresh();
    tell(app, picture);
  });
  app.store.watch(["mode", "hidden"], () => picture.relight());
  app.store.watch(["oneScale"], () => {
    picture.levels.clear();
    picture.redraw("base");
  });
  app.store.watch(["operation"], () => {
    if (app.store.view.mode === "predict") picture.relight();
    else picture.redraw("base");
  });
  app.store.watch(["wrong"], () => picture.redraw("base"));
  app.store.watch(["trails"], () => picture.redraw("base"));
  app.store.watch(["chosen", "light", "reach"], () => {
    picture.relight();
    picture.showChosen();
  });
  app.store.watch(["pass"], () => picture.draw()); // not a frame later than its numbers are there
}

/** Follow the size of the area, the pointer, and the colours of the page.
 * @param {App} app @param {Picture} picture */
function followArea(app, picture) {
  const { area } = picture;
  const isPaper = () => document.documentElement.classList.contains("paper");
  new ResizeObserver(() => {
    if (isPaper()) return;
    picture.resize();
    picture.draw(); // a canvas of another size is empty until it is drawn
  }).observe(area);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    picture.palette = currentPalette();
    picture.relight();
  });
  followPointers(area, {
    get: () => picture.camera,
    set: (camera) => picture.look(camera),
    furthest: () => picture.furthest(),
    click: (point) => {
      const cell = picture.cellAt(point);
      if (cell) choose(app, cell);
      else app.store.set({ chosen: null });
    },
    hover: (point) => hover(app, picture, point),
    leave: () => hover(app, picture, null),
  });
}

/** Show what is under the pointer.
 * @param {App} app @param {Picture} picture @param {{x: number, y: number} | null} point */
function hover(app, picture, point) {
  const start = performance.now();
  const found = point && picture.cellAt(point);
  const { hovered } = app.store.view;
  const isSame = found?.key === hovered?.key && String(found?.at) === String(hovered?.at);
  if (!isSame) {
    app.store.set({ hovered: found });
    picture.drawTop();
  }
  picture.pointer = point;
  tell(app, picture);
  if (point) performance.measure("hover", { start, end: performance.now() });
}

/** How long a pointer rests on a cell before its number is asked for, in milliseconds. */
const POINTER_REST = 40;

/** Say what is known of the cell under the pointer, now, and again when it is loaded.
 * @param {App} app @param {Picture} picture */
function tell(app, picture) {
  const { hovered } = app.store.view;
  const { pointer, tooltip } = picture;
  if (!pointer || !hovered || !infoOf(app.pass.scene, hovered.key)) return tooltip.hide();
  if (tooltip.show(app, hovered, pointer, picture.screen)) return;
  setTimeout(async () => {
    if (app.store.view.hovered !== hovered) return;
    const keys = [hovered.key, partnerOf(app.pass.scene, hovered.key)].filter(Boolean);
    await app.pass.need(keys.map((key) => ({ key, region: hovered.at })));
    if (app.store.view.hovered === hovered && picture.pointer)
      tooltip.show(app, hovered, picture.pointer, picture.screen);
  }, POINTER_REST);
}

/** On paper the whole picture is seen, in the colours of the light page and finer.
 * @param {Picture} picture */
function followPaper(picture) {
  const { classList } = document.documentElement;
  let camera = picture.camera;
  const turn = (/** @type {boolean} */ isPaper) => {
    classList.toggle("paper", isPaper);
    picture.palette = currentPalette();
    if (isPaper) camera = picture.camera;
    picture.resize(isPaper ? 3 : undefined);
    if (isPaper) picture.whole();
    else picture.look(camera);
    picture.draw();
  };
  window.addEventListener("beforeprint", () => turn(true));
  window.addEventListener("afterprint", () => turn(false));
}

/** @param {App} app @param {Picture} picture */
function bindPictureKeys(app, picture) {
  const bind = (
    /** @type {string[]} */ keys,
    /** @type {string} */ says,
    /** @type {() => void} */ run,
  ) => app.keys.bind({ keys, group: "In the picture", says, run, within: picture.area });
  const step = (/** @type {number} */ right, /** @type {number} */ down) => () => {
    const found = app.store.view.chosen ? picture.beside(right, down) : picture.nextArray(1);
    if (found) choose(app, found);
  };
  bind(["ArrowLeft"], "the cell to the left", step(-1, 0));
  bind(["ArrowRight"], "the cell to the right", step(1, 0));
  bind(["ArrowUp"], "the cell above", step(0, -1));
  bind(["ArrowDown"], "the cell below", step(0, 1));
  bind(["]"], "the next array", () => choose(app, picture.nextArray(1)));
  bind(["["], "the array before", () => choose(app, picture.nextArray(-1)));
  bind(["+", "="], "closer", () => picture.zoom(1.5));
  bind(["-"], "further away", () => picture.zoom(1 / 1.5));
  bind(["0"], "the whole pass", () => picture.whole());
  bind(["Escape"], "back to the step, or let go of the cell", () => {
    const isLooking = app.store.view.mode === "look";
    app.store.set(isLooking ? { chosen: null } : { mode: "look" });
  });
}

/** @param {Picture} picture @returns {HTMLElement} */
function zoomButtons(picture) {
  return make(
    "div",
    { class: "zoom" },
    button("+", "Closer (+)", () => picture.zoom(1.5), { "aria-label": "Closer" }),
    button("−", "Further away (−)", () => picture.zoom(1 / 1.5), { "aria-label": "Further away" }),
    button("Whole", "The whole pass (0)", () => picture.whole()),
  );
}

/** Which cells light up from the chosen one, and how far.
 * @param {App} app @returns {HTMLElement} */
function lightSwitches(app) {
  const { store } = app;
  const turn = () =>
    store.set({ light: store.view.light === "contributes" ? "influences" : "contributes" });
  const reach = () => store.set({ reach: store.view.reach === "direct" ? "all" : "direct" });
  const way = button("", "Which cells light up from the chosen one (i)", turn);
  const far = button("All the way", "Not only over one operation (I)", reach);
  store.watch(["light", "reach", "chosen", "pass"], ({ reach: how, chosen }) => {
    const contributes = wayOfLight(app) === "contributes";
    way.textContent = contributes ? "What contributes" : "What it influences";
    far.setAttribute("aria-pressed", String(how === "all"));
    way.disabled = far.disabled = !chosen;
  });
  const group = "Light";
  app.keys.bind({
    keys: ["i"],
    group,
    says: "what contributes, or what is influenced",
    run: turn,
  });
  app.keys.bind({ keys: ["I"], group, says: "over one operation, or all the way", run: reach });
  return make("div", { class: "light", role: "group", "aria-label": "Lit cells" }, way, far);
}

/** The scale of colours: that of the array under the pointer, or of the chosen cell.
 * @param {Picture} picture @returns {HTMLElement} */
function legend(picture) {
  const { app } = picture;
  const low = make("span", { class: "number" });
  const high = make("span", { class: "number" });
  const name = make("span", { class: "of" });
  const turn = () => app.store.set({ oneScale: !app.store.view.oneScale });
  const one = button("One scale", "All gradients on one scale, to be compared (g)", turn);
  app.keys.bind({ keys: ["g"], group: "Light", says: "all gradients on one scale", run: turn });
  app.store.watch(["hovered", "chosen", "pass", "hidden", "oneScale"], (view) => {
    const block = picture.blockOf((view.hovered ?? view.chosen)?.key);
    const isTold = block && hides(app, block.info.key) === "none";
    const most = isTold ? picture.levelsOf(block.info.key).largest : null;
    one.setAttribute("aria-pressed", String(view.oneScale));
    const whole = view.oneScale ? "gradients on one scale" : "each on its own scale";
    name.textContent = block ? block.label : whole;
    high.textContent = most === null ? "+" : shortNumber(most, 6);
    low.textContent = most === null ? "−" : `−${high.textContent}`;
  });
  const bar = make("span", { class: "ramp", "aria-hidden": "true" });
  return make("div", { class: "legend" }, low, bar, high, name, one);
}
