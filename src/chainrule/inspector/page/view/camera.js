/** Which part of the picture is seen, how large; moved by pointer, wheel, pinch and keys. */

import { clamped } from "../arrays.js";

/**
 * @typedef {{x: number, y: number, scale: number}} Camera  the corner at the top left, in the
 *   picture's lengths, and how many pixels of the screen are one of them
 * @typedef {{x: number, y: number, width: number, height: number}} Box
 */

const NEAREST = 150;
const MARGIN = 16;
/** Movement of a pressed pointer up to here is a click, in pixels. */
const STILL = 4;
/** One turn of the wheel scales by at most e to this power. */
const FASTEST = 0.35;

/** Where a part of the picture lies on the screen.
 * @param {Camera} camera @param {Box} box */
export const onScreen = ({ x, y, scale }, box) => ({
  x: (box.x - x) * scale,
  y: (box.y - y) * scale,
  width: box.width * scale,
  height: box.height * scale,
});

/** The camera that sees a box whole.
 * @param {Box} box @param {{width: number, height: number}} screen @param {number} [largest]
 * @returns {Camera} */
export function fitted(box, screen, largest = 1.6) {
  const scale = Math.min(
    largest,
    (screen.width - 2 * MARGIN) / box.width,
    (screen.height - 2 * MARGIN) / box.height,
  );
  return {
    scale,
    x: box.x - (screen.width / scale - box.width) / 2,
    y: box.y - (screen.height / scale - box.height) / 2,
  };
}

/** A smaller picture than this cannot be read. */
const READABLE = 0.5;

/** The camera with which the picture opens: on the whole, or, where that could not be read, on its
 * beginning.
 * @param {Box} box @param {{width: number, height: number}} screen @returns {Camera} */
export function opening(box, screen) {
  const whole = fitted(box, screen);
  if (whole.scale >= READABLE) return whole;
  const scale = Math.max(READABLE, Math.min(1, (screen.height - 2 * MARGIN) / box.height));
  const isHigh = box.height * scale > screen.height;
  return {
    scale,
    x: box.x - Math.max(MARGIN / scale, (screen.width / scale - box.width) / 2),
    y: isHigh ? box.y - MARGIN / scale : box.y + (box.height - screen.height / scale) / 2,
  };
}

/** Closer or further, so that a point of the screen stays where it is.
 * @param {Camera} camera @param {number} factor @param {{x: number, y: number}} point
 * @param {number} furthest @returns {Camera} */
export function zoomed(camera, factor, point, furthest) {
  const scale = Math.min(NEAREST, Math.max(furthest, camera.scale * factor));
  return {
    scale,
    x: camera.x + point.x / camera.scale - point.x / scale,
    y: camera.y + point.y / camera.scale - point.y / scale,
  };
}

/** @param {Camera} camera @param {number} right @param {number} down pixels @returns {Camera} */
const panned = (camera, right, down) => ({
  ...camera,
  x: camera.x - right / camera.scale,
  y: camera.y - down / camera.scale,
});

/** Keep at least a part of the picture in sight.
 * @param {Camera} camera @param {Box} box @param {{width: number, height: number}} screen
 * @returns {Camera} */
export function kept(camera, box, screen) {
  const [w, h] = [screen.width / camera.scale, screen.height / camera.scale];
  return {
    ...camera,
    x: clamped(camera.x, box.x - w / 2, box.x + box.width - w / 2),
    y: clamped(camera.y, box.y - h / 2, box.y + box.height - h / 2),
  };
}

/** The shortest move that brings a box into sight.
 * @param {Camera} camera @param {Box} box @param {{width: number, height: number}} screen
 * @returns {Camera} */
export function showing(camera, box, screen) {
  const [w, h] = [screen.width / camera.scale, screen.height / camera.scale];
  const margin = 30 / camera.scale;
  const along = (
    /** @type {number} */ at,
    /** @type {number} */ seen,
    /** @type {number} */ start,
    /** @type {number} */ length,
  ) => {
    if (start - margin < at) return start - margin;
    if (start + length + margin > at + seen) return start + length + margin - seen;
    return at;
  };
  return {
    ...camera,
    x: along(camera.x, w, box.x, box.width),
    y: along(camera.y, h, box.y, box.height),
  };
}

/**
 * Follow pointers: one drags, two pinch, one that stays clicks.
 * @param {HTMLElement} element
 * @param {{get: () => Camera, set: (camera: Camera) => void, furthest: () => number,
 *   click: (point: {x: number, y: number}) => void,
 *   hover: (point: {x: number, y: number}) => void, leave: () => void}} to
 */
export function followPointers(element, to) {
  /** @type {Map<number, {x: number, y: number}>} */
  const down = new Map();
  let moved = 0;
  const pointOf = (/** @type {PointerEvent} */ event) => pointIn(element, event);
  element.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    if (!down.size) moved = 0;
    down.set(event.pointerId, pointOf(event));
    element.setPointerCapture(event.pointerId);
  });
  element.addEventListener("pointermove", (event) => {
    const before = down.get(event.pointerId);
    if (!before) return to.hover(pointOf(event));
    const now = pointOf(event);
    moved += Math.hypot(now.x - before.x, now.y - before.y);
    const other = [...down].find(([id]) => id !== event.pointerId)?.[1];
    down.set(event.pointerId, now);
    if (moved <= STILL) return;
    let camera = panned(to.get(), (now.x - before.x) / down.size, (now.y - before.y) / down.size);
    if (other) {
      const apart = (/** @type {{x: number, y: number}} */ p) =>
        Math.hypot(p.x - other.x, p.y - other.y);
      camera = zoomed(camera, apart(now) / Math.max(apart(before), 1), now, to.furthest());
    }
    to.set(camera);
  });
  element.addEventListener("pointerup", (event) => {
    if (down.delete(event.pointerId) && moved <= STILL && !down.size) to.click(pointOf(event));
  });
  element.addEventListener("pointerleave", () => to.leave());
  element.addEventListener("pointercancel", (event) => down.delete(event.pointerId));
  followWheel(element, to);
}

/** The camera zooms with the wheel.
 * @param {HTMLElement} element
 * @param {{get: () => Camera, set: (camera: Camera) => void, furthest: () => number}} to */
function followWheel(element, to) {
  const zoom = (/** @type {WheelEvent} */ event) => {
    // A page that is scrolled past is not caught: the wheel zooms with Ctrl, or once the picture
    // has the focus.
    if (!event.ctrlKey && !element.contains(document.activeElement)) return;
    event.preventDefault();
    const much = -event.deltaY * (event.ctrlKey ? 0.01 : 0.0015);
    const factor = Math.exp(clamped(much, -FASTEST, FASTEST));
    to.set(zoomed(to.get(), factor, pointIn(element, event), to.furthest()));
  };
  element.addEventListener("wheel", zoom, { passive: false });
}

/** Where a pointer is in an element.
 * @param {HTMLElement} element @param {PointerEvent | WheelEvent} event */
function pointIn(element, event) {
  const { left, top } = element.getBoundingClientRect();
  return { x: event.clientX - left, y: event.clientY - top };
}
