/** The curve of the losses beneath the film's slider, with a mark where the frame shown lies. */

import { frameAtPlace, placeOfEpoch } from "../frames.js";

/**
 * @typedef {import("../frames.js").Film} Film
 *
 * @typedef {Object} Curve
 * @property {SVGSVGElement} svg
 * @property {(film: Film) => void} draw
 * @property {(film: Film, index: number) => void} mark
 * @property {() => Scale} scale of the losses
 *
 * @typedef {Object} Scale
 * @property {number} least the loss at the bottom
 * @property {number} most the loss at the top
 * @property {boolean} isLog whether equal distances are equal ratios
 */

const [WIDE, HIGH] = [1000, 100];

/** From this ratio of the largest loss to the smallest on, the scale is that of ratios. */
const WIDE_RANGE = 30;

/** An element of SVG.
 * @param {string} tag @param {Record<string, string | number>} attributes @returns {SVGElement} */
function svgPart(tag, attributes = {}) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes))
    element.setAttribute(name, String(value));
  return element;
}

/** The numbers among the losses.
 * @param {Film} film @returns {number[]} */
function lossesIn({ curve, frames }) {
  const all = [...curve.train, ...curve.validation, ...frames.flatMap((frame) => frame.losses)];
  return all.filter((loss) => loss !== null);
}

/** The scale on which losses are drawn.
 * @param {number[]} losses @returns {Scale} */
function scaleOf(losses) {
  const [least, most] = [Math.min(...losses), Math.max(...losses)];
  if (least > 0 && most / least > WIDE_RANGE) return { least, most, isLog: true };
  const bottom = losses.length ? Math.min(0, least) : 0;
  return { least: bottom, most: losses.length && most > bottom ? most : bottom + 1, isLog: false };
}

/** How high a loss lies, from the top.
 * @param {Scale} scale @param {number} loss @returns {number} */
function heightOf({ least, most, isLog }, loss) {
  const part = isLog
    ? Math.log(loss / least) / Math.log(most / least)
    : (loss - least) / (most - least);
  return HIGH - part * HIGH;
}

/** The line through the losses of the epochs; it is broken where there is none.
 * @param {Film} film @param {(number | null)[]} losses @param {(loss: number) => number} yOf
 * @returns {string} */
function lineOf(film, losses, yOf) {
  let isBroken = true;
  return losses
    .map((loss, k) => {
      if (loss === null) {
        isBroken = true;
        return "";
      }
      const x = placeOfEpoch(film, film.curve.epochs[k]) * WIDE;
      const command = isBroken ? "M" : "L";
      isBroken = false;
      return `${command}${x.toFixed(1)},${yOf(loss).toFixed(2)}`;
    })
    .join("");
}

/** A curve; pressing and dragging on it goes to the frame there.
 * @param {(index: number) => void} go @returns {Curve} */
export function lossCurve(go) {
  const svg = /** @type {SVGSVGElement} */ (
    svgPart("svg", { viewBox: `0 0 ${WIDE} ${HIGH}`, preserveAspectRatio: "none", class: "curve" })
  );
  svg.setAttribute("aria-hidden", "true");
  const lines = ["train", "validation"].map((part) => svgPart("path", { class: `${part} line` }));
  const mark = svgPart("line", { class: "mark", y1: 0, y2: HIGH });
  svg.append(...lines, mark);
  /** @type {Film | null} */
  let shown = null;
  let scale = scaleOf([]);
  const follow = (/** @type {PointerEvent} */ event) => {
    if (!shown || !(event.buttons & 1)) return;
    const { left, width } = svg.getBoundingClientRect();
    go(frameAtPlace(shown, (event.clientX - left) / width));
  };
  svg.addEventListener("pointerdown", (event) => {
    svg.setPointerCapture(event.pointerId);
    follow(event);
  });
  svg.addEventListener("pointermove", follow);
  return {
    svg,
    scale: () => scale,
    draw(film) {
      shown = film;
      scale = scaleOf(lossesIn(film));
      const yOf = (/** @type {number} */ loss) => heightOf(scale, loss);
      lines[0].setAttribute("d", lineOf(film, film.curve.train, yOf));
      lines[1].setAttribute("d", lineOf(film, film.curve.validation, yOf));
    },
    mark(film, index) {
      const x = (index / Math.max(1, film.frames.length - 1)) * WIDE;
      mark.setAttribute("x1", String(x));
      mark.setAttribute("x2", String(x));
    },
  };
}
