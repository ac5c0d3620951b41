/** The picture of the pass: drawn on canvases, moved by the camera, walked through by keys. */

import { placeOf } from "../arrays.js";
import { button, make, say } from "../dom.js";
import { choose } from "../going.js";
import { hides, isHidden } from "../hidden.js";
import { spokenName } from "../names.js";
import { caseIn } from "../store.js";
import { bitmapOf } from "./bitmaps.js";
import { fitted, followPointers, kept, showing, zoomed } from "./camera.js";
import { currentPalette } from "./colours.js";
import { drawPicture } from "./drawing.js";
import { flatAt } from "./forms.js";
import { layoutOf } from "./layout.js";
import { lightOf } from "./light.js";
import { cellBox, drawLight, frameCell, markCase, veilOf } from "./overlay.js";
import { fullNumber, tooltipIn } from "./tooltip.js";

/**
 * @typedef {import("../main.js").App} App
 * @typedef {import("../store.js").ChosenCell} ChosenCell
 * @typedef {import("./layout.js").Block} Block
 * @typedef {import("./camera.js").Camera} Camera
 * @typedef {import("./drawing.js").Drawn} Drawn
 */

/** The canvases from the lowest to the highest: the picture, the light over it, and what follows
 * the pointer. Only the highest is drawn anew when the pointer moves. */
const LAYERS = /** @type {const} */ (["base", "light", "top"]);

class Picture {
  /** @param {App} app @param {HTMLElement} area */
  constructor(app, area) {
    this.app = app;
    this.area = area;
    this.palette = currentPalette();
    this.screen = { width: area.clientWidth, height: area.clientHeight };
    this.layout = layoutOf(app.pass.scene, caseIn(app.store.view), this.screen);
    /** @type {Camera} */
    this.camera = app.store.view.camera ?? { x: 0, y: 0, scale: 1 };
    this.isFitted = app.store.view.camera === null;
    /** @type {Map<Block, HTMLCanvasElement>} */
    this.bitmaps = new Map();
    /** @type {Map<Block, HTMLCanvasElement>} */
    this.veils = new Map();
    this.light = lightOf(app);
    /** @type {Set<string>} */
    this.due = new Set();
    const canvases = LAYERS.map((name) => {
      const canvas = make("canvas", { class: name, "aria-hidden": "true" });
      area.append(canvas);
      const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
      return { canvas, context };
    });
    this.canvases = canvases;
    this.tooltip = tooltipIn(area);
  }

  /** What a canvas is drawn from. @param {number} layer @returns {Drawn} */
  drawn(layer) {
    const { camera, screen, palette, layout, app } = this;
    return {
      context: this.canvases[layer].context,
      camera,
      screen,
      palette,
      layout,
      pass: app.pass,
      bitmap: (block) => this.bitmap(block),
      when: (block) => this.when(block),
      hidden: (key, flat) =>
        hides(app, key) !== "none" && isHidden(app, key, placeOf(this.shapeOf(key), flat)),
    };
  }

  /** @param {string} key @returns {number[]} */
  shapeOf(key) {
    return this.layout.blocks.find(({ info }) => info.key === key)?.info.shape ?? [];
  }

  /** @param {Block} block @returns {HTMLCanvasElement} */
  bitmap(block) {
    let found = this.bitmaps.get(block);
    if (!found) {
      const { info } = block;
      const isImage = info.key === "input.out" && block.form.kind === "tiles";
      const levels = this.app.pass.levels(info.key);
      found = bitmapOf(block, levels, this.palette, isImage ? "grey" : "signed");
      this.bitmaps.set(block, found);
    }
    return found;
  }

  /** Whether the operation in progress computes a block, or a later one.
   * @param {Block} block @returns {"shown" | "later" | "now"} */
  when({ info }) {
    const { operations, store, pass } = this.app;
    const { operation } = store.view;
    const now = operations[operation];
    if (!now) return "shown";
    if (now.target === info.key) return "now";
    if (info.role === "parameter" || info.key === "loss.t") return "shown";
    const own = operations.findIndex((one) => one.target === info.key);
    if (own >= 0) return own > operation ? "later" : "shown";
    const order = (/** @type {string} */ key) =>
      pass.scene.arrays.findIndex((one) => one.key === key);
    return order(info.key) > order(now.target) ? "later" : "shown";
  }

  /** Draw canvases anew before the next frame.
   * @param {...("base" | "light" | "top")} names */
  redraw(...names) {
    if (!this.due.size) requestAnimationFrame(() => this.draw());
    for (const name of names) this.due.add(name);
  }

  /** Draw what is due. */
  draw() {
    const due = this.due;
    this.due = new Set();
    if (!this.screen.width) return;
    if (due.has("base")) this.drawBase();
    if (due.has("light")) this.drawLight();
    if (due.has("top")) this.drawTop();
  }

  drawBase() {
    drawPicture(this.drawn(0));
    performance.mark("picture-drawn");
  }

  drawLight() {
    const drawn = this.drawn(1);
    drawn.context.clearRect(0, 0, this.screen.width, this.screen.height);
    const { chosen } = this.app.store.view;
    if (!this.light || !chosen) return;
    const { light, palette } = this;
    const veil = (/** @type {Block} */ block) => {
      let found = this.veils.get(block);
      if (!found) {
        const lit = /** @type {Float32Array} */ (light.get(block.info.key));
        found = veilOf(block, lit, palette.ground);
        this.veils.set(block, found);
      }
      return found;
    };
    drawLight(drawn, light, veil, chosen.key);
  }

  drawTop() {
    const drawn = this.drawn(2);
    drawn.context.clearRect(0, 0, this.screen.width, this.screen.height);
    const { chosen, hovered } = this.app.store.view;
    const case_ = caseIn(this.app.store.view);
    for (const block of this.layout.blocks) {
      markCase(drawn, block, case_);
      const { key } = block.info;
      if (chosen?.key === key) frameCell(drawn, block, chosen.at, this.palette.accent, 2.5);
      if (hovered?.key === key) frameCell(drawn, block, hovered.at, this.palette.ink, 1.5);
    }
  }

  /** Lay everything out anew: another pass, or another case.
   * @param {boolean} scene whether the arrays may have changed */
  refresh(scene) {
    if (scene) {
      const before = this.layout.bounds;
      this.layout = layoutOf(this.app.pass.scene, caseIn(this.app.store.view), this.screen);
      const { bounds } = this.layout;
      if (before.width !== bounds.width || before.height !== bounds.height) this.fit();
    }
    this.bitmaps.clear();
    this.relight();
    this.redraw("base", "light", "top");
  }

  relight() {
    this.light = lightOf(this.app);
    this.veils.clear();
    this.redraw("light", "top");
  }

  /** @param {Camera} camera */
  look(camera) {
    this.camera = kept(camera, this.layout.bounds, this.screen);
    this.isFitted = false;
    this.app.store.set({ camera: this.camera });
    this.redraw("base", "light", "top");
  }

  /** See the picture whole. */
  fit() {
    this.camera = fitted(this.layout.bounds, this.screen);
    this.isFitted = true;
    this.app.store.set({ camera: null });
    this.redraw("base", "light", "top");
  }

  /** The scale beyond which one does not go further away. @returns {number} */
  furthest() {
    return fitted(this.layout.bounds, this.screen).scale / 1.5;
  }

  /** @param {number} factor */
  zoom(factor) {
    const { width, height } = this.screen;
    const middle = { x: width / 2, y: height / 2 };
    this.look(zoomed(this.camera, factor, middle, this.furthest()));
  }

  /** The canvases as large as the area, in pixels of the device. */
  resize() {
    const { clientWidth: width, clientHeight: height } = this.area;
    const ratio = window.devicePixelRatio || 1;
    this.screen = { width, height };
    for (const { canvas, context } of this.canvases) {
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(height * ratio);
      context.setTransform(ratio, 0, 0, ratio, 0, 0);
    }
    if (this.isFitted) {
      this.refresh(true);
      this.fit();
    }
    this.redraw("base", "light", "top");
  }

  /** The cell at a point of the screen.
   * @param {{x: number, y: number}} point @returns {ChosenCell | null} */
  cellAt(point) {
    const x = this.camera.x + point.x / this.camera.scale;
    const y = this.camera.y + point.y / this.camera.scale;
    for (const block of this.layout.blocks) {
      if (x < block.x || y < block.y || x >= block.x + block.width || y >= block.y + block.height)
        continue;
      const { form } = block;
      const [u, v] = [(x - block.x) / block.cellWidth, (y - block.y) / block.cellHeight].map(
        Math.floor,
      );
      const [wide, high] = [form.columns + form.gap, form.rows + form.gap];
      const spot = {
        across: Math.floor(u / wide),
        down: Math.floor(v / high),
        column: u % wide,
        row: v % high,
      };
      if (spot.column >= form.columns || spot.row >= form.rows) return null;
      const flat = flatAt(form, spot);
      return flat < 0 ? null : { key: block.info.key, at: placeOf(form.shape, flat) };
    }
    return null;
  }

  /** @param {{x: number, y: number}} point */
  hover(point) {
    const start = performance.now();
    const found = this.cellAt(point);
    const { hovered } = this.app.store.view;
    const isSame = found?.key === hovered?.key && String(found?.at) === String(hovered?.at);
    if (!isSame) this.app.store.set({ hovered: found });
    if (found) this.tooltip.show(this.app, found, point, this.screen);
    else this.tooltip.hide();
    if (!isSame) this.drawTop();
    performance.measure("hover", { start, end: performance.now() });
  }

  leave() {
    this.tooltip.hide();
    if (this.app.store.view.hovered) this.app.store.set({ hovered: null });
    this.redraw("top");
  }

  /** Bring the chosen cell into sight. */
  showChosen() {
    const { chosen } = this.app.store.view;
    const block = this.layout.blocks.find(({ info }) => info.key === chosen?.key);
    const box = block && chosen ? cellBox(block, chosen.at) : null;
    if (!box || !this.screen.width) return;
    const camera = showing(this.camera, box, this.screen);
    if (camera.x !== this.camera.x || camera.y !== this.camera.y) this.look(camera);
  }

  /** Choose the next cell in a direction, of the array of the chosen one.
   * @param {number} right @param {number} down */
  step(right, down) {
    const { chosen } = this.app.store.view;
    const block = this.layout.blocks.find(({ info }) => info.key === chosen?.key);
    const box = block && chosen ? cellBox(block, chosen.at) : null;
    if (!block || !box) return this.jump(1);
    for (let k = 1; k <= 2; k++) {
      const x = box.x + (right * k + 0.5) * block.cellWidth;
      const y = box.y + (down * k + 0.5) * block.cellHeight;
      const found = this.cellAt({
        x: (x - this.camera.x) * this.camera.scale,
        y: (y - this.camera.y) * this.camera.scale,
      });
      if (found && found.key === chosen?.key) return this.chooseAloud(found);
    }
  }

  /** Choose the first cell of the next array, or of the one before.
   * @param {number} by */
  jump(by) {
    const { blocks } = this.layout;
    const { chosen } = this.app.store.view;
    const k = blocks.findIndex(({ info }) => info.key === chosen?.key);
    const block = blocks[(k + by + blocks.length) % blocks.length];
    this.chooseAloud({ key: block.info.key, at: placeOf(block.form.shape, block.form.base) });
  }

  /** @param {ChosenCell} cell */
  chooseAloud(cell) {
    choose(this.app, cell);
    const { key, at } = cell;
    const value = isHidden(this.app, key, at) ? "hidden" : fullNumber(this.app.pass.read(key, at));
    say(`${spokenName(this.app.pass.scene, key, at)}: ${value}`);
  }
}

/** The picture, in its element.
 * @param {App} app @param {HTMLElement} element */
export function mountPicture(app, element) {
  const area = make("div", {
    class: "area",
    tabindex: "0",
    role: "application",
    "aria-label": "The pass as blocks of cells. Arrow keys choose a cell, [ and ] another array.",
  });
  element.append(area);
  const picture = new Picture(app, area);
  element.append(zoomButtons(picture));
  watchView(app, picture);
  followArea(picture);
  bindPictureKeys(picture);
}

/** @param {Picture} picture @returns {HTMLElement} */
function zoomButtons(picture) {
  return make(
    "div",
    { class: "zoom" },
    button("+", "Closer (+)", () => picture.zoom(1.5), { "aria-label": "Closer" }),
    button("−", "Further away (−)", () => picture.zoom(1 / 1.5), { "aria-label": "Further away" }),
    button("Whole", "The whole pass (0)", () => picture.fit()),
  );
}

/** Draw anew what changes with the view.
 * @param {App} app @param {Picture} picture */
function watchView(app, picture) {
  app.store.watch(["pass", "case_"], () => picture.refresh(true));
  app.store.watch(["operation", "mode", "hidden", "wrong"], () => picture.redraw("base"));
  app.store.watch(["chosen", "light", "reach"], () => {
    picture.relight();
    picture.showChosen();
  });
  app.store.watch(["hovered"], () => picture.redraw("top"));
}

/** Follow the size of the area, the pointer, and the colours of the page.
 * @param {Picture} picture */
function followArea(picture) {
  const { area, app } = picture;
  new ResizeObserver(() => picture.resize()).observe(area);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    picture.palette = currentPalette();
    picture.refresh(false);
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
    hover: (point) => picture.hover(point),
    leave: () => picture.leave(),
  });
}

/** @param {Picture} picture */
function bindPictureKeys(picture) {
  const { app, area } = picture;
  const group = "In the picture";
  /** @param {string[]} keys @param {string} says @param {() => void} run */
  const bind = (keys, says, run) => app.keys.bind({ keys, group, says, run, within: area });
  bind(["ArrowLeft"], "the cell to the left", () => picture.step(-1, 0));
  bind(["ArrowRight"], "the cell to the right", () => picture.step(1, 0));
  bind(["ArrowUp"], "the cell above", () => picture.step(0, -1));
  bind(["ArrowDown"], "the cell below", () => picture.step(0, 1));
  bind(["]"], "the next array", () => picture.jump(1));
  bind(["["], "the array before", () => picture.jump(-1));
  bind(["+", "="], "closer", () => picture.zoom(1.5));
  bind(["-"], "further away", () => picture.zoom(1 / 1.5));
  bind(["0"], "the whole pass", () => picture.fit());
}
