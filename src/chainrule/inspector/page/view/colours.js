/** Colours of numbers: one diverging scale an array, from the variables of the style sheets. */

/**
 * @typedef {Object} Palette  the colours of the page as it is now, light or dark
 * @property {string} ground
 * @property {string} raised
 * @property {string} ink
 * @property {string} faint
 * @property {string} line
 * @property {string} accent
 * @property {string} wrong
 * @property {string} positive
 * @property {string} negative
 * @property {Uint32Array} signed a colour for each level from −127 to 127, as pixels hold it
 * @property {Uint32Array} grey a colour for each level from 0 to 254, black to white
 * @property {number} groundPixel
 * @property {number} missing the pixel of what is no finite number
 * @property {(level: number) => string} inkOn the colour of text on a level
 */

/** @param {string} text such as #1d1f21 @returns {[number, number, number]} */
function rgbOf(text) {
  const hex = text.length === 4 ? [...text.slice(1)].map((sign) => sign + sign).join("") : text;
  const number = Number.parseInt(hex.replace("#", ""), 16);
  return [number >> 16, (number >> 8) & 255, number & 255];
}

/** A pixel as a little-endian number. @param {number[]} rgb @returns {number} */
const pixelOf = ([red, green, blue]) => ((255 << 24) | (blue << 16) | (green << 8) | red) >>> 0;

/** The colour of text on a pixel under a veil: that which has the larger contrast, 4.5 at least.
 * @param {number} pixel @param {number} [ground] the pixel of the veil
 * @param {number} [veil] how much it covers, from 0 to 1 @returns {string} */
export function inkOn(pixel, ground = 0, veil = 0) {
  const [red, green, blue] = [0, 8, 16].map((bits) => {
    const [own, over] = [pixel, ground].map((one) => (one >> bits) & 255);
    return ((own + (over - own) * veil) / 255) ** 2.2;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.179 ? "#000000" : "#ffffff";
}

/** Between colours at equal distances.
 * @param {[number, number, number][]} stops @param {number} part from 0 to 1
 * @returns {[number, number, number]} */
function between(stops, part) {
  const place = part * (stops.length - 1);
  const k = Math.min(Math.floor(place), stops.length - 2);
  const mixed = stops[k].map((from, channel) =>
    Math.round(from + (stops[k + 1][channel] - from) * (place - k)),
  );
  return /** @type {[number, number, number]} */ (mixed);
}

/** The colours that the style sheets give at the moment.
 * @returns {Palette} */
export function currentPalette() {
  const style = getComputedStyle(document.documentElement);
  const of = (/** @type {string} */ name) => style.getPropertyValue(`--${name}`).trim();
  const zero = rgbOf(of("zero"));
  const upwards = [zero, rgbOf(of("positive-soft")), rgbOf(of("positive"))];
  const downwards = [zero, rgbOf(of("negative-soft")), rgbOf(of("negative"))];
  const signed = new Uint32Array(255);
  const grey = new Uint32Array(255);
  for (let level = -127; level <= 127; level++) {
    const stops = level < 0 ? downwards : upwards;
    signed[level + 127] = pixelOf(between(stops, Math.abs(level) / 127));
    grey[level + 127] = pixelOf([level + 127, level + 127, level + 127]);
  }
  return {
    ground: of("ground"),
    raised: of("raised"),
    ink: of("ink"),
    faint: of("faint"),
    line: of("line"),
    accent: of("accent"),
    wrong: of("wrong"),
    positive: of("positive"),
    negative: of("negative"),
    signed,
    grey,
    groundPixel: pixelOf(rgbOf(of("ground"))),
    missing: pixelOf(rgbOf(of("missing"))),
    inkOn: (level) => inkOn(signed[level + 127]),
  };
}
