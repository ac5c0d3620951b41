/** The whole picture small, with a frame around what is seen; shown where that is only a part. */

import { make } from "../dom.js";

/**
 * @typedef {import("./layout.js").Layout} Layout
 * @typedef {import("./camera.js").Box} Box
 * @typedef {import("./camera.js").Camera} Camera
 * @typedef {import("./colours.js").Palette} Palette
 */

const MAP_WIDTH = 190;
const MAP_HEIGHT = 76;

/** The map, in an area; `see` brings a point of the picture into the middle.
 * @param {HTMLElement} area @param {(x: number, y: number) => void} see */
export function minimapIn(area, see) {
  const canvas = make("canvas", { class: "minimap", "aria-hidden": "true" });
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  canvas.hidden = true;
  area.append(canvas);
  let scale = 1;
  let corner = { x: 0, y: 0 };
  const go = (/** @type {PointerEvent} */ event) => {
    event.stopPropagation();
    if (event.type === "pointermove" && !(event.buttons & 1)) return;
    see(corner.x + event.offsetX / scale, corner.y + event.offsetY / scale);
  };
  for (const type of /** @type {const} */ (["pointerdown", "pointermove", "pointerup"]))
    canvas.addEventListener(type, go);

  /** @param {Layout} layout @param {Camera} camera @param {{width: number, height: number}} screen
   * @param {Palette} palette */
  const draw = ({ bounds, blocks }, camera, screen, palette) => {
    const seen = { width: screen.width / camera.scale, height: screen.height / camera.scale };
    canvas.hidden = seen.width >= bounds.width * 0.9 && seen.height >= bounds.height * 0.8;
    if (canvas.hidden) return;
    scale = Math.min(MAP_WIDTH / bounds.width, MAP_HEIGHT / bounds.height);
    corner = { x: bounds.x, y: bounds.y };
    const ratio = window.devicePixelRatio || 1;
    const [width, height] = [bounds.width * scale, bounds.height * scale];
    canvas.width = Math.ceil(width * ratio);
    canvas.height = Math.ceil(height * ratio);
    canvas.style.width = `${width}px`;
    canvas.style.height = `${height}px`;
    context.scale(ratio * scale, ratio * scale);
    context.translate(-corner.x, -corner.y);
    context.fillStyle = palette.faint;
    context.globalAlpha = 0.55;
    for (const block of blocks) context.fillRect(block.x, block.y, block.width, block.height);
    context.globalAlpha = 1;
    context.strokeStyle = palette.accent;
    strokeSeen(context, bounds, { x: camera.x, y: camera.y, ...seen }, 1 / scale);
  };
  return { draw };
}

/** Frame the part of the picture that is seen.
 * @param {CanvasRenderingContext2D} context @param {Box} bounds @param {Box} seen
 * @param {number} pixel how long one is in the picture */
function strokeSeen(context, bounds, seen, pixel) {
  const left = Math.max(seen.x, bounds.x) + pixel;
  const top = Math.max(seen.y, bounds.y) + pixel;
  const right = Math.min(seen.x + seen.width, bounds.x + bounds.width) - pixel;
  const bottom = Math.min(seen.y + seen.height, bounds.y + bounds.height) - pixel;
  context.lineWidth = 2 * pixel;
  context.strokeRect(left, top, right - left, bottom - top);
}
