/** Numbers as a user reads them: −0.25 and −1.5·10⁻⁷, with as many digits as are wanted. */

import { raised } from "./names.js";

/** With this many digits a number in double precision is written exactly. */
export const EXACT = 17;

/** The parts of a number with so many significant digits, without trailing zeros.
 * @param {number} value @param {number} digits
 * @returns {{sign: string, digits: string, exponent: number}} digits such as 0.25; times 10 ** exponent */
export function partsOfNumber(value, digits) {
  const sign = value < 0 ? "−" : "";
  if (Number.isNaN(value)) return { sign: "", digits: "NaN", exponent: 0 };
  const size = Math.abs(value);
  if (size === Number.POSITIVE_INFINITY) return { sign, digits: "∞", exponent: 0 };
  if (size === 0) return { sign: "", digits: "0", exponent: 0 };
  const written = digits >= EXACT ? size.toExponential() : size.toExponential(digits - 1);
  const [mantissa, power] = written.split("e");
  const exponent = Number(power);
  if (exponent < -4 || exponent >= Math.max(digits, 6))
    return { sign, digits: withoutZeros(mantissa), exponent };
  const places = Math.max(0, mantissa.replace(".", "").length - 1 - exponent);
  return { sign, digits: withoutZeros(Number(written).toFixed(places)), exponent: 0 };
}

/** @param {string} text */
const withoutZeros = (text) => (text.includes(".") ? text.replace(/\.?0+$/, "") : text);

/** A number as plain text.
 * @param {number} value @param {number} [digits] @returns {string} */
export function numberText(value, digits = 4) {
  const { sign, digits: text, exponent } = partsOfNumber(value, digits);
  if (!exponent) return sign + text;
  const power = `10${exponent < 0 ? "⁻" : ""}${raised(Math.abs(exponent))}`;
  return text === "1" ? sign + power : `${sign}${text}·${power}`;
}

/** The number that is read where a value is shown with so many digits.
 * @param {number} value @param {number} digits @returns {number} */
export const roundedTo = (value, digits) =>
  digits >= EXACT || !Number.isFinite(value) ? value : Number(value.toPrecision(digits));
