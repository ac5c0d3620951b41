/** The whole picture small, with a frame around what is seen; shown where that is only a part. */

import { make } from "../dom.js";

/**
 * @typedef {import("./layout.js").Layout} Layout
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
    context.setTransform(
      ratio * scale,
      0,
      0,
      ratio * scale,
      -corner.x * scale * ratio,
      -corner.y * scale * ratio,
    );
    context.fillStyle = palette.faint;
    context.globalAlpha = 0.55;
    for (const block of blocks) context.fillRect(block.x, block.y, block.width, block.height);
    context.globalAlpha = 1;
    context.strokeStyle = palette.accent;
    context.lineWidth = 2 / scale;
    const left = Math.max(camera.x, bounds.x);
    const top = Math.max(camera.y, bounds.y);
    const right = Math.min(camera.x + seen.width, bounds.x + bounds.width);
    const bottom = Math.min(camera.y + seen.height, bounds.y + bounds.height);
    context.strokeRect(
      left + 1 / scale,
      top + 1 / scale,
      right - left - 2 / scale,
      bottom - top - 2 / scale,
    );
  };
  return { draw };
}
