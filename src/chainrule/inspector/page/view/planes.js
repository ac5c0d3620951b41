/** The plane of two inputs: what the network says at every point, and what each hidden unit does. */

import { button, make, oneStop } from "../dom.js";
import { choose } from "../going.js";
import { lowered, nameText, spokenName, userName } from "../names.js";
import { numberText } from "../numbers.js";
import { caseIn } from "../store.js";
import { currentPalette } from "./colours.js";
import { classColours, drawRegions, drawUnit, tellsClasses } from "./sheets.js";

/**
 * @typedef {import("../main.js").App} App
 * @typedef {import("../source.js").Levels} Levels
 * @typedef {[number, number]} Range
 * @typedef {import("../scene.js").SceneLayer} SceneLayer
 */

/** The points along each side, and every which of them is drawn of a hidden unit: from Python, and
 * from the page's own engine. */
const [SERVED, SAVED] = [
  { side: 72, step: 2 },
  { side: 56, step: 2 },
];

/** The hidden layers whose units have planes of their own.
 * @param {import("../scene.js").Scene} scene @returns {SceneLayer[]} */
const hiddenLayers = ({ layers, output }) =>
  layers.filter(
    (layer) =>
      layer.name !== output && layer.parameters.length > 0 && layer.output_shape.length === 1,
  );

class Planes {
  /** @param {App} app @param {HTMLElement} element */
  constructor(app, element) {
    this.app = app;
    const { scene } = app.source;
    this.told = /** @type {import("../scene.js").PlaneTold} */ (scene.plane);
    /** @type {[number, number]} */
    this.axes = [this.told.axes[0], this.told.axes[1]];
    this.how = tellsClasses(scene);
    this.layers = hiddenLayers(scene);
    /** @type {Levels | undefined} the output at every point */
    this.sheet = undefined;
    this.canvas = make("canvas", { class: "plane-picture", role: "img" });
    this.regions = make("canvas");
    this.heading = make("h3", { text: "What the network says at every point" });
    this.labels = ["left", "right", "bottom", "top", "across", "up"].map((name) =>
      make("span", { class: `axis ${name}` }),
    );
    this.units = new Map(this.layers.map((layer) => [layer.name, this.unitsOf(layer)]));
    /** The name of the drag in progress, so that it is undone at once. */
    this.stroke = "";
    this.isDue = false;
    this.isBusy = false;
    this.isSeen = false;
    element.append(this.main(), this.hidden());
    this.sayAxes();
    this.follow(element);
  }

  /** Draw again whenever what is drawn changes, as soon as it can be seen.
   * @param {HTMLElement} element */
  follow(element) {
    const { store } = this.app;
    new IntersectionObserver((entries) => {
      this.isSeen = entries.at(-1)?.isIntersecting ?? false;
      if (this.isDue) this.soon();
    }).observe(element);
    store.watch(["pass"], () => {
      this.draw();
      this.soon();
    });
    store.watch(["case_"], () => (this.told.ranges.length > 2 ? this.soon() : this.draw()));
    store.watch(["chosen"], () => {
      this.markChosen();
      if (!this.how) this.drawRegions();
    });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.soon());
    new ResizeObserver(() => this.draw()).observe(this.canvas);
    this.canvas.addEventListener("pointerdown", (event) => {
      this.canvas.setPointerCapture(event.pointerId);
      this.move(event, `plane ${event.timeStamp}`);
    });
    this.canvas.addEventListener("pointermove", (event) => {
      if (event.buttons & 1) this.move(event, this.stroke);
    });
  }

  /** The large plane with its axes. @returns {HTMLElement} */
  main() {
    const [left, right, bottom, top, across, up] = this.labels;
    return make(
      "div",
      { class: "plane-main" },
      this.heading,
      this.told.ranges.length > 2 ? this.choices() : null,
      make("div", { class: "plane-axes" }, up, top, bottom, this.canvas, left, across, right),
      this.legend(),
      make("p", {
        class: "note",
        text: "Press or drag in the plane to give the case shown other inputs.",
      }),
    );
  }

  /** The choice of the two inputs, where there are more. @returns {HTMLElement} */
  choices() {
    const lists = [0, 1].map((which) => {
      const names = this.told.ranges.map((_, k) =>
        make("option", { value: k, text: this.nameOf(k), selected: k === this.axes[which] }),
      );
      const label = which ? "Input upwards" : "Input to the right";
      const change = (/** @type {Event} */ event) => {
        const { value } = /** @type {HTMLSelectElement} */ (event.target);
        const other = this.axes[1 - which];
        if (Number(value) === other) this.axes[1 - which] = this.axes[which];
        this.axes[which] = Number(value);
        lists.forEach((list, k) => {
          list.value = String(this.axes[k]);
        });
        this.sayAxes();
        this.soon();
      };
      return make("select", { "aria-label": label, title: label, on: { change } }, ...names);
    });
    return make(
      "p",
      { class: "plane-choice" },
      ...[lists[0], " and ", lists[1], "; the other inputs are those of the case shown"],
    );
  }

  /** Which colour stands for which class. @returns {HTMLElement | null} */
  legend() {
    if (!this.how || !this.told.classes) return null;
    const items = this.told.classes.map((name, k) => {
      const item = make("li", { text: name });
      item.style.setProperty("--swatch", `var(--class-${k % 8})`);
      return item;
    });
    return make("ul", { class: "plane-legend" }, ...items);
  }

  /** The units of a hidden layer, each a button with its plane.
   * @param {SceneLayer} layer @returns {HTMLButtonElement[]} */
  unitsOf(layer) {
    const { scene } = this.app.source;
    const key = `${layer.name}.out`;
    return Array.from({ length: Math.min(layer.output_shape[0], 64) }, (_, j) => {
      const title = `${nameText(scene, key, [0, j], 0)}: what unit ${j + 1} gives at every point`;
      const go = () => choose(this.app, { key, at: [caseIn(this.app.store.view), j] });
      const one = button("", title, go, { "aria-label": spokenName(scene, key, [0, j]) });
      one.append(make("canvas", { "aria-hidden": "true" }));
      return one;
    });
  }

  /** The planes of all hidden units. @returns {HTMLElement} */
  hidden() {
    const parts = this.layers.map((layer) => {
      const heading = `Layer ${layer.number}: each unit’s own plane`;
      const units = oneStop(heading, this.units.get(layer.name) ?? [], { class: "unit-planes" });
      return make("section", {}, make("h3", { text: heading }), units);
    });
    return make("div", { class: "plane-units" }, ...parts);
  }

  /** What an input is called. @param {number} k @returns {string} */
  nameOf(k) {
    return userName(this.app.source.scene, "input.out", [0, k]) || `x${lowered(k + 1)}`;
  }

  /** Ask for the sheets a little later, once; never before what is asked is drawn. */
  soon() {
    this.isDue = true;
    if (this.isBusy || !this.isSeen) return;
    this.isBusy = true;
    setTimeout(() => this.ask());
  }

  /** Ask for the sheets, and draw them. */
  async ask() {
    const { source, store } = this.app;
    const { edits, bugs, frame, case_ } = store.view;
    const { output } = source.scene;
    this.isDue = false;
    const window = /** @type {[Range, Range]} */ (this.axes.map((k) => this.told.ranges[k]));
    const wanted = { of: { edits, bugs, frame, only: null }, at: case_, axes: this.axes, window };
    const coarse = this.layers.map((layer) => layer.name);
    const size = source.isLive ? SERVED : SAVED;
    try {
      const found = await source.plane({ ...wanted, ...size, layers: [output], coarse });
      this.sheet = found.get(output);
      found.delete(output);
      this.drawUnits(found);
      this.drawRegions();
      performance.mark("planes-drawn");
    } catch {
      this.isDue = false; // the pass of the same network says why
    }
    this.isBusy = false;
    if (this.isDue) this.soon();
  }

  /** @param {import("../plane.js").Sheets} sheets */
  drawUnits(sheets) {
    const palette = currentPalette();
    for (const [layer, sheet] of sheets) {
      this.units.get(layer)?.forEach((one, j) => {
        const canvas = one.querySelector("canvas");
        if (canvas && j < sheet.shape[0]) drawUnit(canvas, sheet, j, palette);
      });
    }
    this.markChosen();
  }

  /** The picture beneath the cases. */
  drawRegions() {
    if (!this.sheet) return;
    const { sheet, regions, how } = this;
    if (how) drawRegions(regions, sheet, how, this.areShares(), classColours());
    else this.drawValue(sheet);
    this.draw();
  }

  /** Draw one of the outputs, where they are values: the chosen one, else the first.
   * @param {Levels} sheet */
  drawValue(sheet) {
    const { scene } = this.app.source;
    const { chosen } = this.app.store.view;
    const isChosen = chosen?.key.startsWith(`${scene.output}.`);
    const unit = Math.min((isChosen && chosen?.at.at(-1)) || 0, sheet.shape[0] - 1);
    drawUnit(this.regions, sheet, unit, currentPalette());
    const key = `${scene.output}.out`;
    const name = userName(scene, key, [0, unit]) || nameText(scene, key, [0, unit], 0);
    this.heading.textContent = `What the network says at every point: ${name}`;
  }

  /** Whether the outputs are probabilities. @returns {boolean} */
  areShares() {
    const { layers, output } = this.app.pass.scene;
    const last = layers.find((layer) => layer.name === output);
    return last?.type === "softmax" || last?.activation?.type === "sigmoid";
  }

  /** Draw the picture and the cases. */
  draw() {
    const { canvas, regions } = this;
    const size = canvas.clientWidth;
    if (!size || !this.sheet) return;
    const ratio = devicePixelRatio || 1;
    canvas.width = Math.round(size * ratio);
    canvas.height = canvas.width;
    const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    context.scale(ratio, ratio);
    context.imageSmoothingEnabled = true;
    context.drawImage(regions, 0, 0, size, size);
    this.drawCases(context, size);
  }

  /** The cases: those of the training small, those of the pass larger, the one shown with a ring.
   * @param {CanvasRenderingContext2D} context @param {number} size */
  drawCases(context, size) {
    const { palette, colours } = { palette: currentPalette(), colours: classColours() };
    const { points, labels, classes } = this.told;
    const colourOf = (/** @type {number} */ k) =>
      this.how ? `rgb(${colours[((k % 8) + 8) % 8].join(" ")})` : palette.faint;
    const dot = (
      /** @type {number[]} */ x,
      /** @type {number} */ radius,
      /** @type {string} */ fill,
    ) => {
      const [left, top] = this.axes.map((k, axis) => this.placeOf(x[k], axis) * size);
      context.beginPath();
      context.arc(left, top, radius, 0, 2 * Math.PI);
      context.fillStyle = fill;
      context.fill();
      context.stroke();
    };
    context.strokeStyle = palette.ground;
    context.lineWidth = 0.75;
    for (const [n, x] of points.entries()) dot(x, 2.5, colourOf(labels[n]));
    const { scene } = this.app.pass;
    const { data, scale, shape } = this.app.pass.levels("input.out");
    const own = caseIn(this.app.store.view);
    const rows = scene.cases.map((one, n) => ({
      n,
      x: [...data.subarray(n * shape[1], (n + 1) * shape[1])].map((level) => level * scale),
      fill: colourOf(Math.max(0, classes?.indexOf(one.label) ?? 0)),
    }));
    context.lineWidth = 1.25;
    for (const { n, x, fill } of rows) if (n !== own) dot(x, 4, fill);
    context.strokeStyle = palette.ink;
    context.lineWidth = 2.5;
    if (rows[own]) dot(rows[own].x, 6.5, rows[own].fill);
  }

  /** Where a value lies, from 0 to 1, from the left or from the top.
   * @param {number} value @param {number} axis @returns {number} */
  placeOf(value, axis) {
    const [low, high] = this.told.ranges[this.axes[axis]];
    const part = (value - low) / (high - low);
    return axis ? 1 - part : part;
  }

  /** Write the ends of the axes, in the user's own units. */
  sayAxes() {
    const { scene } = this.app.source;
    const { mean, scale } = scene.scaling.inputs ?? { mean: [], scale: [] };
    const own = (/** @type {number} */ k, /** @type {number} */ value) =>
      numberText(value * (scale[k] ?? 1) + (mean[k] ?? 0), 3);
    const texts = this.axes.flatMap((k) => this.told.ranges[k].map((value) => own(k, value)));
    [...texts, ...this.axes.map((k) => this.nameOf(k))].forEach((text, k) => {
      this.labels[k].textContent = text;
    });
    const [across, up] = this.axes.map((k) => this.nameOf(k));
    const label = `What the network says for ${across} (to the right) and ${up} (upwards)`;
    this.canvas.setAttribute("aria-label", label);
  }

  /** Mark the unit of the chosen cell. */
  markChosen() {
    const { chosen } = this.app.store.view;
    for (const [layer, units] of this.units) {
      const own = chosen?.key.startsWith(`${layer}.`) ? chosen.at.at(-1) : -1;
      units.forEach((one, j) => {
        one.setAttribute("aria-pressed", String(j === own));
      });
    }
  }

  /** Give the case shown the inputs of the point that is pressed.
   * @param {PointerEvent} event @param {string} stroke */
  move(event, stroke) {
    this.stroke = stroke;
    const { left, top, width, height } = this.canvas.getBoundingClientRect();
    const parts = [(event.clientX - left) / width, 1 - (event.clientY - top) / height];
    const { case_ } = this.app.store.view;
    const edits = this.axes.map((k, axis) => {
      const [low, high] = this.told.ranges[k];
      const part = Math.min(1, Math.max(0, parts[axis]));
      const value = Number((low + (high - low) * part).toPrecision(6));
      return { kind: /** @type {const} */ ("input"), at: [case_, k], value };
    });
    this.app.history.edit(edits, stroke);
  }
}

/** Put the planes into the page, if the network has two inputs or more, and not too many.
 * @param {App} app @param {HTMLElement} element */
export function mountPlanes(app, element) {
  const { source } = app;
  const reason = source.planesReason;
  if (!source.scene.plane) return;
  const place = make("div", { class: "planes" });
  element.append(place);
  if (reason) place.append(make("p", { class: "note", text: reason }));
  else new Planes(app, place);
}
