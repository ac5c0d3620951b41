/** Weights as images: what each unit of a layer that sees an image looks for. */

import { clamped, sizeOf } from "../arrays.js";
import { button, make, oneStop } from "../dom.js";
import { choose } from "../going.js";
import { spokenName } from "../names.js";
import { levelIn } from "./bitmaps.js";
import { currentPalette } from "./colours.js";

/**
 * @typedef {import("../main.js").App} App
 * @typedef {import("../scene.js").SceneLayer} SceneLayer
 */

const MOST_IMAGES = 128;

/** The dense layers that see the pixels of an image themselves.
 * @param {import("../scene.js").Scene} scene @returns {SceneLayer[]} */
function seeingLayers(scene) {
  const pixels = scene.image && sizeOf(scene.image);
  const seen = new Set(["input"]);
  for (const layer of scene.layers) {
    const passesOn = ["flatten", "dropout"].includes(layer.type);
    if (passesOn && layer.sources.every((name) => seen.has(name))) seen.add(layer.name);
  }
  return scene.layers.filter(
    (layer) =>
      layer.type === "dense" &&
      !layer.at_each_step &&
      layer.sources.every((name) => seen.has(name)) &&
      layer.input_shape[0] === pixels,
  );
}

/** Draw the weights of a unit; those of several channels are added up.
 * @param {HTMLCanvasElement} canvas @param {import("../source.js").Levels} levels
 * @param {number} unit @param {number[]} image @param {import("./colours.js").Palette} palette */
function drawWeights(canvas, levels, unit, [high, wide, channels = 1], palette) {
  canvas.width = wide;
  canvas.height = high;
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  const image = context.createImageData(wide, high);
  const pixels = new Uint32Array(image.data.buffer);
  const units = levels.shape[1];
  const level = levelIn(levels);
  for (let p = 0; p < pixels.length; p++) {
    let total = 0;
    for (let c = 0; c < channels; c++) total += level((p * channels + c) * units + unit);
    const shown = clamped(Math.round(total), -127, 127);
    pixels[p] = Number.isFinite(shown) ? palette.signed[shown + 127] : palette.missing;
  }
  context.putImageData(image, 0, 0);
}

/** What asks for a drawing of an element: it is made once it can be seen, after what is urgent.
 * @param {Element} element @param {() => void} draw @returns {() => void} */
function drawnWhenSeen(element, draw) {
  let [isSeen, isDue] = [false, false];
  const soon = () => {
    if (isDue && isSeen) requestAnimationFrame(() => setTimeout(now, 0));
  };
  const now = () => {
    if (isDue) draw();
    isDue = false;
  };
  new IntersectionObserver(([entry]) => {
    isSeen = entry.isIntersecting;
    soon();
  }).observe(element);
  return () => {
    isDue = true;
    soon();
  };
}

/** The weights of the units of a layer, each a button with an image.
 * @param {App} app @param {SceneLayer} layer @param {number[]} image @returns {HTMLElement} */
function imagesOf(app, layer, image) {
  const key = `${layer.name}.W`;
  const units = Array.from({ length: Math.min(layer.output_shape[0], MOST_IMAGES) }, (_, j) => {
    const go = () => choose(app, { key, at: [Math.floor(layer.input_shape[0] / 2), j] });
    const title = `The weights of unit ${j + 1}`;
    const label = `${title}: ${spokenName(app.source.scene, `${layer.name}.out`, [0, j])}`;
    const one = button("", title, go, { "aria-label": label });
    one.append(make("canvas", { "aria-hidden": "true" }));
    return one;
  });
  const draw = () => {
    const palette = currentPalette();
    const levels = app.pass.levels(key);
    units.forEach((one, j) => {
      const canvas = one.querySelector("canvas");
      if (canvas) drawWeights(canvas, levels, j, image, palette);
    });
  };
  const heading = `Layer ${layer.number}: the weights of each unit, as an image`;
  const place = oneStop(heading, units, { class: "unit-planes weight-images" });
  const soon = drawnWhenSeen(place, draw);
  app.store.watch(["pass"], soon);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", soon);
  app.store.watch(["chosen"], ({ chosen }) => {
    const own = chosen?.key.startsWith(`${layer.name}.`) ? chosen.at.at(-1) : -1;
    units.forEach((one, j) => {
      one.setAttribute("aria-pressed", String(j === own));
    });
  });
  return make("section", { class: "weights" }, make("h3", { text: heading }), place);
}

/** Put the images of weights into the page, where a layer sees an image.
 * @param {App} app @param {HTMLElement} element */
export function mountWeightImages(app, element) {
  const { scene } = app.source;
  const { image } = scene;
  if (!image) return;
  element.append(...seeingLayers(scene).map((layer) => imagesOf(app, layer, image)));
}
