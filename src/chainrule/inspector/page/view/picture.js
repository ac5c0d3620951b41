/** The picture of the pass on its canvases: what is drawn when, and what lies under a point. */

import { flatIndex, placeOf } from "../arrays.js";
import { make } from "../dom.js";
import { hides, isHidden } from "../hidden.js";
import { numberText } from "../numbers.js";
import { infoOf } from "../scene.js";
import { caseIn } from "../store.js";
import { bitmapOf, colourImage, levelIn, levelsShown, rescaled } from "./bitmaps.js";
import { fitted, kept, opening, showing, zoomed } from "./camera.js";
import { drawGhosts, drawTrails, drawWrong } from "./changes.js";
import { currentPalette } from "./colours.js";
import { drawPicture } from "./drawing.js";
import { cellPlace, flatAt, spotOf } from "./forms.js";
import { layoutOf } from "./layout.js";
import { lightOf } from "./light.js";
import { minimapIn } from "./minimap.js";
import { cellBox, coverOf, frameCell, markCase } from "./overlay.js";
import { tooltipIn } from "./tooltip.js";

/**
 * @typedef {import("../main.js").App} App
 * @typedef {import("../store.js").ChosenCell} ChosenCell
 * @typedef {import("./layout.js").Block} Block
 * @typedef {import("./camera.js").Camera} Camera
 * @typedef {import("./drawing.js").Drawn} Drawn
 * @typedef {{x: number, y: number}} Point
 */

/** The canvases: the picture, and over it what follows the pointer, which alone is drawn anew when the
 * pointer moves. */
const CANVASES = /** @type {const} */ (["base", "top"]);

export class Picture {
  /** @param {App} app @param {HTMLElement} area */
  constructor(app, area) {
    this.app = app;
    this.area = area;
    this.palette = currentPalette();
    this.screen = { width: area.clientWidth, height: area.clientHeight };
    this.layout = layoutOf(app.pass.scene, caseIn(app.store.view), this.screen);
    /** @type {Camera} */
    this.camera = app.store.view.camera ?? { x: 0, y: 0, scale: 1 };
    /** Where the pointer is, in the area. @type {Point | null} */
    this.pointer = null;
    this.isHome = app.store.view.camera === null;
    this.ratio = window.devicePixelRatio || 1;
    /** Whether the canvases have their size. */
    this.isSized = false;
    /** @type {Map<string, import("./bitmaps.js").Bitmap>} */
    this.bitmaps = new Map();
    /** @type {Map<string, import("./overlay.js").Cover>} */
    this.veils = new Map();
    /** @type {Map<string, import("../source.js").Levels>} */
    this.levels = new Map();
    /** @type {Map<string, number>} */
    this.order = new Map();
    /** @type {Map<string, number[]>} */
    this.missing = new Map();
    this.light = lightOf(app);
    /** @type {Set<string>} */
    this.due = new Set();
    this.canvases = CANVASES.map((name) => {
      const canvas = make("canvas", { class: name, "aria-hidden": "true" });
      area.append(canvas);
      const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
      return { canvas, context };
    });
    this.tooltip = tooltipIn(area);
    this.minimap = minimapIn(area, (x, y) => this.centre(x, y));
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
      levels: (key) => this.levelsOf(key),
      aside: (info) => this.aside(info),
      bitmap: (block) => this.bitmap(block),
      photo: (block) => colourImage(block.form, this.pixels()),
      when: (block) => this.when(block),
      lit: (block) => this.lit(block),
      hides: (key) => hides(app, key),
      hidden: (key, flat) =>
        hides(app, key) !== "none" && isHidden(app, key, placeOf(this.shapeOf(key), flat)),
      missing: (key, flat) => {
        const known = this.missing.get(key);
        if (known) known.push(flat);
        else this.missing.set(key, [flat]);
      },
      wrong: app.store.view.wrong,
      over: (block) => this.drawOver(block),
    };
  }

  /** @param {string} key @returns {import("../source.js").Levels} */
  levelsOf(key) {
    let found = this.levels.get(key);
    if (!found) {
      found = this.isShared(key) ? this.shared(key) : this.app.pass.levels(key);
      this.levels.set(key, found);
    }
    return found;
  }

  /** Whether an array is on one scale with others. @param {string} key */
  isShared(key) {
    const isGradient = infoOf(this.app.pass.scene, key)?.role.endsWith("gradient");
    return isGradient && this.app.store.view.oneScale;
  }

  /** The numbers of an array on the scale of all arrays of its role.
   * @param {string} key @returns {import("../source.js").Levels} */
  shared(key) {
    const { pass } = this.app;
    const role = infoOf(pass.scene, key)?.role;
    const alike = pass.scene.arrays.filter((one) => one.role === role);
    const largest = Math.max(...alike.map((one) => pass.levels(one.key).largest));
    return { ...rescaled(pass.levels(key), { mean: [0], scale: [1] }), largest };
  }

  /** What stands beside the name of an array: its shape, or its largest number where colours are to
   * be compared.
   * @param {import("../scene.js").ArrayInfo} info @returns {string} */
  aside({ key, cases, shape }) {
    if (!this.isShared(key) || hides(this.app, key) !== "none")
      return (cases ? shape.slice(1) : shape).join(" × ");
    return numberText(this.app.pass.levels(key).largest, 2);
  }

  /** @param {string | undefined} key @returns {Block | undefined} */
  blockOf(key) {
    return this.layout.blocks.find(({ info }) => info.key === key);
  }

  /** @param {string} key @returns {number[]} */
  shapeOf(key) {
    return this.blockOf(key)?.info.shape ?? [];
  }

  /** @param {Block} block @returns {import("./bitmaps.js").Bitmap} */
  bitmap({ info, form, cellWidth, cellHeight }) {
    const { key } = info;
    const fine = this.camera.scale * this.ratio;
    const patch = /** @type {[number, number]} */ (
      [cellWidth, cellHeight].map((size) => Math.max(1, Math.floor(1 / (size * fine))))
    );
    const isImage = key === "input.out" && form.kind === "tiles";
    const levels = isImage ? this.pixels() : this.levelsOf(key);
    const hidden = hides(this.app, key) === "some" ? this.app.store.view.hidden : null;
    const madeFrom = [levels.data, form.base, form.across, String(patch), this.palette, hidden];
    const known = this.bitmaps.get(key);
    if (known && madeFrom.every((one, k) => one === known.madeFrom[k])) return known;
    const shown = levelsShown(form, levels);
    if (hidden) this.hideCells(key, form, shown);
    const scale = isImage || info.name === "winners" ? "grey" : "signed";
    const drawn = bitmapOf(form, shown, this.palette, scale, patch, known?.canvas);
    const made = { ...drawn, level: levelIn(levels), patch, madeFrom };
    this.bitmaps.set(key, made);
    return made;
  }

  /** The inputs as images in the user's own units, in which they look as they did to the user.
   * @returns {import("../source.js").Levels} */
  pixels() {
    const known = this.levels.get("pixels");
    if (known) return known;
    const levels = this.levelsOf("input.out");
    const scaling = this.app.source.scene.scaling?.inputs;
    const found = scaling ? rescaled(levels, scaling) : levels;
    this.levels.set("pixels", found);
    return found;
  }

  /** Show nothing of the cells that are not to be seen.
   * @param {string} key @param {import("./forms.js").Form} form @param {Int16Array} shown */
  hideCells(key, form, shown) {
    for (const one of this.app.store.view.hidden) {
      const spot = one.key === key ? spotOf(form, flatIndex(form.shape, one.at)) : null;
      if (spot) shown[cellPlace(form, spot)] = 0;
    }
  }

  /** Whether the operation in progress computes a block, or a later one.
   * @param {Block} block @returns {"shown" | "later" | "now"} */
  when({ info }) {
    const { operations, store } = this.app;
    const { operation, mode } = store.view;
    const now = operations[operation];
    if (!now || mode === "break") return "shown"; // wherever numbers turn wrong
    if (now.target === info.key) return "now";
    if (info.role === "parameter" || info.key === "loss.t") return "shown";
    if (this.light?.has(info.key)) return "shown";
    const own = this.order.get(info.key);
    return own !== undefined && own > operation ? "later" : "shown";
  }

  /** Which operation computes each array; one without an operation is there with the next that has
   * one. */
  reorder() {
    const { operations, pass } = this.app;
    const places = new Map(operations.map(({ target }, k) => [target, k]));
    this.order = new Map();
    let next = operations.length - 1;
    for (const { key } of pass.scene.arrays.toReversed()) {
      next = places.get(key) ?? next;
      this.order.set(key, next);
    }
  }

  /** Which cells of a block are lit. @param {Block} block */
  lit(block) {
    const { key } = block.info;
    const light = this.light?.get(key);
    if (!light) return this.light && key !== this.app.store.view.chosen?.key ? "dim" : null;
    const known = this.veils.get(key);
    if (known?.light === light) return known;
    const made = coverOf(block, light, this.palette.groundPixel, known?.veil);
    this.veils.set(key, made);
    return made;
  }

  /** Draw canvases anew before the next frame.
   * @param {...("base" | "top")} names */
  redraw(...names) {
    if (!this.due.size) requestAnimationFrame(() => this.draw());
    for (const name of names) this.due.add(name);
  }

  /** Draw what is due. */
  draw() {
    const due = this.due;
    this.due = new Set();
    if (!due.size || !this.screen.width || !this.isSized) return;
    const start = performance.now();
    if (due.has("base")) this.drawBase();
    if (due.has("top")) this.drawTop();
    if (due.has("base")) performance.measure("picture", { start, end: performance.now() });
  }

  drawBase() {
    drawPicture(this.drawn(0));
    const { mode, trails } = this.app.store.view;
    if (mode === "path") drawTrails(this.drawn(0), trails);
    this.minimap.draw(this.layout, this.camera, this.screen, this.palette);
    performance.mark("picture-drawn");
    this.loadMissing();
  }

  /** Ask for the numbers of cells on the screen that are not loaded, and draw them when they are. */
  async loadMissing() {
    if (!this.missing.size) return;
    const { pass } = this.app;
    const wanted = [...this.missing].map(([key, flats]) => {
      const places = flats.map((flat) => placeOf(this.shapeOf(key), flat));
      const region = this.shapeOf(key).map((_, axis) => {
        const indices = places.map((at) => at[axis]);
        return /** @type {[number, number]} */ ([Math.min(...indices), Math.max(...indices) + 1]);
      });
      return { key, region };
    });
    this.missing.clear();
    await pass.need(wanted);
    if (pass === this.app.pass) this.redraw("base");
  }

  /** What was before, and what is wrong. @param {Block} block */
  drawOver(block) {
    const { before, right, store } = this.app;
    if (before) drawGhosts(this.drawn(0), block, before);
    if (store.view.wrong.includes(block.info.key)) drawWrong(this.drawn(0), block, right);
  }

  drawTop() {
    const drawn = this.drawn(1);
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

  /** Lay everything out anew and draw it: other numbers, another case, another size. */
  refresh() {
    const { scene } = this.app.pass;
    const before = this.layout.bounds;
    this.reorder();
    this.layout = layoutOf(scene, caseIn(this.app.store.view), this.screen, this.layout);
    const { bounds } = this.layout;
    if (before.width !== bounds.width || before.height !== bounds.height) this.home();
    this.relight();
  }

  /** Draw everything, with other cells lit. */
  relight() {
    this.light = lightOf(this.app);
    this.redraw("base", "top");
  }

  /** @param {Camera} camera */
  look(camera) {
    this.camera = kept(camera, this.layout.bounds, this.screen);
    this.isHome = false;
    this.app.store.set({ camera: this.camera });
    this.redraw("base", "top");
  }

  /** As the picture opens: whole, or of a deep network its beginning at a size that can be read. */
  home() {
    this.camera = opening(this.layout.bounds, this.screen);
    this.isHome = true;
    this.app.store.set({ camera: null });
    this.redraw("base", "top");
  }

  /** See the picture whole. */
  whole() {
    this.look(fitted(this.layout.bounds, this.screen));
    this.isHome = true;
  }

  /** Bring a point of the picture into the middle. @param {number} x @param {number} y */
  centre(x, y) {
    const { scale } = this.camera;
    const { width, height } = this.screen;
    this.look({ scale, x: x - width / scale / 2, y: y - height / scale / 2 });
  }

  /** The scale beyond which one does not go further away. @returns {number} */
  furthest() {
    return fitted(this.layout.bounds, this.screen).scale / 1.5;
  }

  /** @param {number} factor @param {Point} [point] that stays where it is */
  zoom(factor, point = { x: this.screen.width / 2, y: this.screen.height / 2 }) {
    this.look(zoomed(this.camera, factor, point, this.furthest()));
  }

  /** The canvases as large as the area, in pixels of the device.
   * @param {number} [ratio] pixels of the device for each of the page */
  resize(ratio = window.devicePixelRatio || 1) {
    this.ratio = ratio;
    const { clientWidth: width, clientHeight: height } = this.area;
    this.screen = { width, height };
    for (const { canvas, context } of this.canvases) {
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(height * ratio);
      context.setTransform(ratio, 0, 0, ratio, 0, 0);
    }
    this.isSized = true;
    const { isHome, camera } = this;
    this.refresh();
    if (isHome) this.home();
    else this.look(camera);
  }

  /** The cell at a point of the screen.
   * @param {Point} point @returns {ChosenCell | null} */
  cellAt(point) {
    const x = this.camera.x + point.x / this.camera.scale;
    const y = this.camera.y + point.y / this.camera.scale;
    const block = this.layout.blocks.find(
      (one) => x >= one.x && y >= one.y && x < one.x + one.width && y < one.y + one.height,
    );
    if (!block) return null;
    const { form, info } = block;
    const u = Math.floor((x - block.x) / block.cellWidth);
    const v = Math.floor((y - block.y) / block.cellHeight);
    const [wide, high] = [form.columns + form.gap, form.rows + form.gap];
    const [column, row] = [u % wide, v % high];
    if (column >= form.columns || row >= form.rows) return null;
    const spot = { across: (u - column) / wide, down: (v - row) / high, column, row };
    const flat = flatAt(form, spot);
    return flat < 0 ? null : { key: info.key, at: placeOf(form.shape, flat) };
  }

  /** Bring the chosen cell into sight. */
  showChosen() {
    const { chosen } = this.app.store.view;
    const block = this.blockOf(chosen?.key);
    const box = block && chosen ? cellBox(block, chosen.at) : null;
    if (!box || !this.screen.width) return;
    const camera = showing(this.camera, box, this.screen);
    if (camera.x !== this.camera.x || camera.y !== this.camera.y) this.look(camera);
  }

  /** The cell beside the chosen one in a direction; null at the edge of its array.
   * @param {number} right @param {number} down @returns {ChosenCell | null} */
  beside(right, down) {
    const { chosen } = this.app.store.view;
    const block = this.blockOf(chosen?.key);
    const box = block && chosen ? cellBox(block, chosen.at) : null;
    if (!block || !box) return null;
    const { camera } = this;
    for (const far of [1, 2]) {
      const x = (box.x + (right * far + 0.5) * block.cellWidth - camera.x) * camera.scale;
      const y = (box.y + (down * far + 0.5) * block.cellHeight - camera.y) * camera.scale;
      const found = this.cellAt({ x, y });
      if (found && found.key === chosen?.key) return found;
    }
    return null;
  }

  /** The first cell of the array that comes so many after that of the chosen one.
   * @param {number} by @returns {ChosenCell} */
  nextArray(by) {
    const { blocks } = this.layout;
    const { chosen } = this.app.store.view;
    const k = blocks.findIndex(({ info }) => info.key === chosen?.key);
    const { info, form } =
      blocks[(Math.max(k, by > 0 ? -1 : 0) + by + blocks.length) % blocks.length];
    return { key: info.key, at: placeOf(form.shape, form.base) };
  }
}
