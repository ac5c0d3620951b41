/** Sheets of a plane as pictures: one unit in colours of its sign, or regions of classes. */

import { levelIn } from "./bitmaps.js";

/**
 * @typedef {import("../source.js").Levels} Levels
 * @typedef {import("../scene.js").Scene} Scene
 */

/** The opacity of a class where it is barely the most probable, and where it is certain. */
const [FAINTEST, STRONGEST] = [30, 150];

const CLASS_COLOURS = 8;

/** The colours of the classes, as the style sheet has them at the moment.
 * @returns {[number, number, number][]} */
export function classColours() {
  const style = getComputedStyle(document.documentElement);
  return Array.from({ length: CLASS_COLOURS }, (_, k) => {
    const number = Number.parseInt(style.getPropertyValue(`--class-${k}`).trim().slice(1), 16);
    return [number >> 16, (number >> 8) & 255, number & 255];
  });
}

/** A canvas of as many pixels as a sheet has points.
 * @param {HTMLCanvasElement} canvas @param {number} side
 * @param {(pixels: Uint32Array) => void} fill */
function painted(canvas, side, fill) {
  if (canvas.width !== side || canvas.height !== side) {
    canvas.width = side;
    canvas.height = side;
  }
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  const image = context.createImageData(side, side);
  fill(new Uint32Array(image.data.buffer));
  context.putImageData(image, 0, 0);
}

/** Draw one unit in the colours of signed numbers; all units of a layer have one scale.
 * @param {HTMLCanvasElement} canvas @param {Levels} sheet @param {number} unit
 * @param {import("./colours.js").Palette} palette */
export function drawUnit(canvas, sheet, unit, palette) {
  const points = sheet.shape[1];
  const level = levelIn(sheet);
  painted(canvas, Math.sqrt(points), (pixels) => {
    for (let p = 0; p < points; p++) {
      const one = level(unit * points + p);
      pixels[p] = one === -128 ? palette.missing : palette.signed[one + 127];
    }
  });
}

/** How an output tells classes: "most" the unit of the largest output, "one" a single probability
 * of the second of two classes; null where the outputs are values.
 * @param {Scene} scene @returns {"most" | "one" | null} */
export function tellsClasses({ plane, layers, output }) {
  const last = layers.find((layer) => layer.name === output);
  if (!plane?.classes || !last) return null;
  if (last.output_shape[0] === plane.classes.length) return "most";
  return last.activation?.type === "sigmoid" ? "one" : null;
}

/** Draw the regions of the classes; the more certain the network is, the stronger their colour.
 * @param {HTMLCanvasElement} canvas @param {Levels} sheet @param {"most" | "one"} how
 * @param {boolean} areShares whether the outputs are probabilities
 * @param {[number, number, number][]} colours */
export function drawRegions(
  canvas,
  { shape: [units, points], data, scale },
  how,
  areShares,
  colours,
) {
  painted(canvas, Math.sqrt(points), (pixels) => {
    for (let p = 0; p < points; p++) {
      let [best, share] = [0, -Infinity];
      if (how === "one") {
        const second = data[p] * scale;
        best = second > 0.5 ? 1 : 0;
        share = Math.max(second, 1 - second);
      } else {
        for (let j = 0; j < units; j++) {
          const value = data[j * points + p] * scale;
          if (value > share) [best, share] = [j, value];
        }
      }
      const least = how === "one" ? 0.5 : 1 / units;
      const certainty = areShares ? Math.min(1, Math.max(0, (share - least) / (1 - least))) : 0.6;
      const [red, green, blue] = colours[best % CLASS_COLOURS];
      const opacity = Math.round(FAINTEST + (STRONGEST - FAINTEST) * certainty);
      pixels[p] = ((opacity << 24) | (blue << 16) | (green << 8) | red) >>> 0;
    }
  });
}
