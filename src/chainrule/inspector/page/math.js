/**
 * Expressions written down: as MathML for the page and as plain text for the live region and for
 * copying. Both are written by one walk, which puts parentheses where they are needed.
 *
 * @typedef {import("./expressions.js").Expression} Expression
 * @typedef {import("./expressions.js").Cell} Cell
 * @typedef {import("./scene.js").Scene} Scene
 */
import { betweenIndices, nameOf, textOfName } from "./names.js";
import { numberText, partsOfNumber } from "./numbers.js";

/**
 * The signs of which formulas are made.
 *
 * @template T
 * @typedef {Object} Signs
 * @property {(name: import("./names.js").Name) => T} name
 * @property {(value: number, digits: number) => T} number
 * @property {(word: string) => T} word a letter or the name of a function
 * @property {(sign: string) => T} sign of an operation, with space around it
 * @property {() => T} minus before a number or a name
 * @property {(...parts: T[]) => T} row
 * @property {(inside: T, open: string, close: string) => T} fenced
 * @property {(over: T, under: T) => T} fraction
 * @property {(base: T, exponent: T) => T} power
 * @property {(inside: T) => T} root
 * @property {(index: string, upTo: number, term: T) => T} sigma
 */

const MATHML = "http://www.w3.org/1998/Math/MathML";

/** @param {string} tag @param {...(Node | string)} children @returns {Element} */
function mathNode(tag, ...children) {
  const node = document.createElementNS(MATHML, tag);
  node.append(...children);
  return node;
}

/** @param {...Node} children */
const mathRow = (...children) =>
  children.length === 1 ? /** @type {Element} */ (children[0]) : mathNode("mrow", ...children);

/** @param {import("./names.js").Name} name @returns {Element} */
function nameNode(name) {
  const letter = mathNode("mi", name.letter);
  const between = betweenIndices(name);
  const indices = name.at.flatMap((index, k) => [
    ...(k && between ? [mathNode("mo", ",")] : []),
    mathNode(typeof index === "number" ? "mn" : "mi", String(index)),
  ]);
  const above = [name.layer === null ? "" : `(${name.layer})`, name.isNew ? "new" : ""];
  const layer = above.join("") ? mathNode("mtext", above.join(" ").trim()) : null;
  const below = indices.length ? mathRow(...indices) : null;
  let node = letter;
  if (layer && below) node = mathNode("msubsup", letter, below, layer);
  else if (layer) node = mathNode("msup", letter, layer);
  else if (below) node = mathNode("msub", letter, below);
  if (name.derivative) {
    const loss = mathRow(mathNode("mi", "∂"), mathNode("mi", "L"));
    node = mathNode("mfrac", loss, mathRow(mathNode("mi", "∂"), node));
  }
  if (name.of === null) return node;
  if (typeof name.of === "number") return mathRow(node, mathNode("mtext", `(case ${name.of})`));
  return mathRow(node, NODES.fenced(mathNode("mi", name.of), "(", ")"));
}

/** @type {Signs<Element>} */
const NODES = {
  name: nameNode,
  number: (value, digits) => {
    const { sign, digits: text, exponent } = partsOfNumber(value, digits);
    const parts = sign ? [NODES.minus()] : [];
    if (!exponent || text !== "1") parts.push(mathNode("mn", text));
    if (!exponent) return mathRow(...parts);
    if (text !== "1") parts.push(mathNode("mo", "·"));
    const ten = mathNode("msup", mathNode("mn", "10"), NODES.number(exponent, 6));
    return mathRow(...parts, ten);
  },
  word: (word) => mathNode("mi", word),
  sign: (sign) => {
    const made = mathNode("mo", sign);
    made.setAttribute("form", "infix"); // spaced alike where a line begins with it
    return made;
  },
  minus: () => {
    const made = mathNode("mo", "−");
    made.setAttribute("form", "prefix");
    return made;
  },
  row: mathRow,
  fenced: (inside, open, close) => mathRow(mathNode("mo", open), inside, mathNode("mo", close)),
  fraction: (over, under) => mathNode("mfrac", over, under),
  power: (base, exponent) => mathNode("msup", base, exponent),
  root: (inside) => mathNode("msqrt", inside),
  sigma: (index, upTo, term) => {
    const from = mathRow(mathNode("mi", index), mathNode("mo", "="), mathNode("mn", "1"));
    const sign = mathNode("munderover", mathNode("mo", "∑"), from, mathNode("mn", String(upTo)));
    return mathRow(sign, term);
  },
};

/** A part of a fraction in text: in parentheses if it is more than one sign or name.
 * @param {string} part */
const inText = (part) => (part.includes(" ") ? `(${part})` : part);

/** @type {Signs<string>} */
const TEXT = {
  name: textOfName,
  number: numberText,
  word: (word) => word,
  sign: (sign) => (sign === "," ? ", " : ` ${sign} `),
  minus: () => "−",
  row: (...parts) => parts.join(""),
  fenced: (inside, open, close) => open + inside + close,
  fraction: (over, under) => `${inText(over)} / ${inText(under)}`,
  power: (base, exponent) => `${base}^(${exponent})`,
  root: (inside) => `√(${inside})`,
  sigma: (index, upTo, term) => `Σ(${index} = 1 … ${upTo}) ${term}`,
};

/**
 * How tightly an expression holds together: an addend of a sum, a factor, or a whole.
 * @typedef {0 | 1 | 2} Tightness
 */

/**
 * How names and numbers are written.
 * @typedef {Object} Manner
 * @property {Scene} scene
 * @property {number | null} ownCase the case whose index need not be said
 * @property {number} digits of numbers without a name
 */

/** Writes expressions with one kind of signs.
 * @template T */
class Writer {
  /** @param {Signs<T>} signs @param {Manner} manner */
  constructor(signs, manner) {
    this.signs = signs;
    this.manner = manner;
  }

  /** An expression, in parentheses if it is looser than where it stands.
   * @param {Expression} one @param {Tightness} [around] @returns {T} */
  write(one, around = 0) {
    const inner = this.bare(one);
    return tightnessOf(one, this.manner.digits) < around
      ? this.signs.fenced(inner, "(", ")")
      : inner;
  }

  /** @param {Expression} one @returns {T} */
  bare(one) {
    const { signs } = this;
    switch (one.kind) {
      case "cell":
        return signs.name(this.named(one));
      case "constant":
        return one.name ? signs.word(one.name) : signs.number(one.value, this.manner.digits);
      case "sum":
        return this.sum(one);
      case "product":
        return this.joined(one.factors, "·", 1);
      case "quotient": {
        const { over, under } = one;
        if (over.kind === "negative")
          return this.bare({ kind: "negative", of: { ...one, over: over.of } });
        if (over.kind !== "quotient") return signs.fraction(this.write(over), this.write(under));
        const factors = [over.under, under]; // (a / b) / c = a / (b c)
        return this.bare({ ...one, over: over.over, under: { kind: "product", factors } });
      }
      case "power":
        return signs.power(this.base(one.base), this.write(one.exponent));
      case "negative":
        return signs.row(signs.minus(), this.write(one.of, 1));
      case "call":
        return this.call(one);
    }
  }

  /** What is raised to a power: a name with something above it or of a fraction in parentheses.
   * @param {Expression} one @returns {T} */
  base(one) {
    const name = one.kind === "cell" ? this.named(one) : null;
    const isPlain = !name || (!name.derivative && name.layer === null);
    return isPlain ? this.write(one, 2) : this.signs.fenced(this.bare(one), "(", ")");
  }

  /** @param {Expression[]} parts @param {string} sign @param {Tightness} around @returns {T} */
  joined(parts, sign, around) {
    const { signs } = this;
    return signs.row(
      ...parts.flatMap((part, k) => [...(k ? [signs.sign(sign)] : []), this.write(part, around)]),
    );
  }

  /** @param {import("./expressions.js").Sum} one @returns {T} */
  sum(one) {
    const { signs } = this;
    if (one.upTo !== undefined)
      return signs.sigma(one.index ?? "", one.upTo, this.write(one.terms[0], 1));
    return one.terms.length ? signs.row(...this.addends(one).flat()) : signs.number(0, 1);
  }

  /** The addends of an expression, each but the first with its sign.
   * @param {Expression} one @returns {T[][]} */
  addends(one) {
    const { signs } = this;
    if (one.kind !== "sum" || one.upTo !== undefined || !one.terms.length)
      return [[this.write(one)]];
    return one.terms.flatMap((term, k) => {
      if (!k) return this.addends(term);
      const taken = subtracted(term);
      if (taken) return [[signs.sign("−"), this.write(taken, 1)]];
      const [first, ...others] = this.addends(term);
      return [[signs.sign("+"), ...first], ...others];
    });
  }

  /** @param {import("./expressions.js").Call} one @returns {T} */
  call(one) {
    const { signs } = this;
    const [input] = one.inputs;
    if (one.name === "exp") return signs.power(signs.word("e"), this.write(input));
    if (one.name === "sqrt") return signs.root(this.write(input));
    if (one.name === "abs") return signs.fenced(this.write(input), "|", "|");
    if (one.name.startsWith("[")) {
      const condition = one.name.slice(1, -1).replace(/^x /, "");
      return signs.fenced(signs.row(this.write(input), signs.word(` ${condition}`)), "[", "]");
    }
    const name = one.name === "log" ? "ln" : one.name;
    return signs.row(signs.word(name), signs.fenced(this.joined(one.inputs, ",", 0), "(", ")"));
  }

  /** @param {Cell} one @returns {import("./names.js").Name} */
  named({ key, at, labels }) {
    const name = nameOf(this.manner.scene, key, at, this.manner.ownCase);
    if (!labels) return name;
    const inside = at.length - name.at.length;
    if (inside && labels[0]) name.of = labels[0];
    name.at = name.at.map((index, axis) => labels[axis + inside] ?? index);
    return name;
  }
}

/** What is subtracted, where an addend is negative by its sign.
 * @param {Expression} term @returns {Expression | null} */
function subtracted(term) {
  if (term.kind === "negative") return term.of;
  if (term.kind === "constant" && !term.name && term.value < 0)
    return { ...term, value: -term.value };
  return null;
}

/** @param {Expression} one @param {number} digits @returns {Tightness} */
function tightnessOf(one, digits) {
  switch (one.kind) {
    case "sum":
      return one.upTo === undefined ? 0 : 1;
    case "negative":
      return 0;
    case "product":
      return 1;
    case "constant":
      if (one.name) return 2;
      if (one.value < 0) return 0;
      return partsOfNumber(one.value, digits).exponent ? 1 : 2;
    case "power":
      return 1;
    case "quotient":
      return 1;
    default:
      return 2;
  }
}

/** An expression as MathML.
 * @param {Expression} one @param {Manner} manner @returns {Element} */
export const mathOf = (one, manner) => new Writer(NODES, manner).write(one);

/** An expression as plain text.
 * @param {Expression} one @param {Manner} manner @returns {string} */
export const textOf = (one, manner) => new Writer(TEXT, manner).write(one);

/** An expression as several formulas, one for each addend, between which a line may break.
 * @param {Expression} one @param {Manner} manner @returns {Element[]} */
export const mathOfAddends = (one, manner) =>
  new Writer(NODES, manner).addends(one).map((parts) => formula(...parts));

/** A formula of several parts as one element.
 * @param {...(Node | string)} parts a text is a sign, such as =
 * @returns {Element} */
export function formula(...parts) {
  const nodes = parts.map((part) => (typeof part === "string" ? mathNode("mo", part) : part));
  const made = mathNode("math", ...nodes);
  made.setAttribute("displaystyle", "true");
  return made;
}

/** A number as MathML. @param {number} value @param {number} digits @returns {Element} */
export const mathNumber = (value, digits) => NODES.number(value, digits);
