/**
 * One cell of an operation as a program of NumPy that runs: the arrays it needs as they are in the
 * pass, and the formula's expression with sums over slices, as one writes it by hand.
 *
 * @typedef {import("./arrays.js").Place} Place
 * @typedef {import("./expressions.js").Expression} Expression
 * @typedef {import("./expressions.js").Cell} Cell
 * @typedef {import("./scene.js").Scene} Scene
 * @typedef {import("./operations/operations.js").Operation} Operation
 * @typedef {(key: string, at: Place) => number | undefined} Read
 *
 * @typedef {Object} Held  an array of the program: a whole array, or the part that is needed
 * @property {string} name
 * @property {number[]} low the place in the whole array where the part begins
 * @property {number[]} extent its length on each axis
 * @property {boolean} whole
 *
 * @typedef {Object} Program
 * @property {Map<string, Held>} arrays by key
 * @property {Map<string, number>} constants by name
 * @property {Set<string>} functions definitions in Python
 * @property {Record<string, any>} options of the layer's activation and of the loss
 * @property {Read} read
 */
import { placesIn, sizeOf } from "./arrays.js";
import { cellsOf, evaluate, partsOf } from "./expressions.js";
import { nameOf } from "./names.js";
import { pythonCall } from "./python.js";
import { infoOf } from "./scene.js";

/** An array of at most so many numbers is written whole. */
const MOST_WHOLE = 64;

/** The place of a single number in its name. */
const INDICES = /(_\d+)+$/;

/** Letters of formulas as words of Python.
 * @type {Record<string, string>} */
const PYTHON_WORDS = {
  δ: "delta",
  γ: "gamma",
  β: "beta",
  λ: "lam",
  η: "eta",
  ε: "eps",
  μ: "mu",
  σ: "sigma",
  Ω: "penalty",
  ρ: "rho",
  α: "alpha",
  φ: "phi",
  "²": "2",
  "′": "_slope",
  "̂": "_hat",
  "∂L/∂": "dL_d",
};

/** A name that Python takes.
 * @param {string} text @returns {string} */
function pythonName(text) {
  const spelled = Object.entries(PYTHON_WORDS).reduce(
    (found, [sign, word]) => found.replaceAll(sign, word),
    text.normalize("NFD"),
  );
  const plain = spelled
    .normalize("NFKD")
    .replace(/[^A-Za-z0-9_]+/g, "_")
    .replace(/^_+|_+$/g, "");
  return /^[A-Za-z_]/.test(plain) ? plain : `v_${plain}`;
}

/** A number as Python writes it.
 * @param {number} value @returns {string} */
function pythonNumber(value) {
  if (Number.isNaN(value)) return "np.nan";
  if (!Number.isFinite(value)) return value > 0 ? "np.inf" : "-np.inf";
  if (Object.is(value, -0)) return "-0.0";
  return Number.isInteger(value) && Math.abs(value) < 1e15 ? `${value}.0` : String(value);
}

/** Nested lists of an array of this shape, read number by number.
 * @param {number[]} extent @param {() => number} next @param {string} indent @returns {string} */
function numpyLiteral(extent, next, indent) {
  if (!extent.length) return pythonNumber(next());
  const [length, ...inner] = extent;
  const items = Array.from({ length }, () => numpyLiteral(inner, next, `${indent} `));
  const line = `[${items.join(", ")}]`;
  if (line.length + indent.length <= 88 && !line.includes("\n")) return line;
  if (inner.length) return `[${items.join(`,\n${indent} `)}]`;
  const lines = [""];
  for (const item of items) {
    const last = lines.length - 1;
    if (lines[last].length + item.length + indent.length > 86) lines.push(item);
    else lines[last] += lines[last] ? `, ${item}` : item;
  }
  return `[${lines.join(`,\n${indent} `)}]`;
}

/** The arrays that an expression needs: small ones whole, of others the part around its cells.
 * @param {Scene} scene @param {Expression} expression @returns {Map<string, Held>} */
function neededArrays(scene, expression) {
  /** @type {Map<string, Place[]>} */
  const places = new Map();
  for (const { key, at } of cellsOf(expression)) {
    const known = places.get(key);
    if (known) known.push(at);
    else places.set(key, [at]);
  }
  const taken = new Set(["np", "N"]);
  /** @type {Map<string, Held>} */
  const found = new Map();
  for (const [key, cells] of places) {
    const shape = infoOf(scene, key)?.shape ?? [];
    const count = new Set(cells.map(String)).size;
    const most = count > 1 ? MOST_WHOLE : shape.length === 1 ? MOST_WHOLE / 4 : 1;
    const whole = sizeOf(shape) <= most;
    const low = shape.map((_, axis) => (whole ? 0 : Math.min(...cells.map((at) => at[axis]))));
    const extent = shape.map((length, axis) =>
      whole ? length : Math.max(...cells.map((at) => at[axis])) - low[axis] + 1,
    );
    const isOne = !whole && sizeOf(extent) === 1 && low.length > 0;
    const name = freePythonName(scene, key, taken) + (isOne ? `_${low.join("_")}` : "");
    found.set(key, { name, low, extent, whole });
  }
  return found;
}

/** A name of an array that is not taken yet, such as W1, delta2 or W1_new.
 * @param {Scene} scene @param {string} key @param {Set<string>} taken */
function freePythonName(scene, key, taken) {
  const { letter, derivative, layer } = nameOf(scene, key, []);
  const after = key.endsWith("_new") ? "_new" : "";
  const name = pythonName(`${derivative ? "dL_d" : ""}${letter}${layer ?? ""}${after}`);
  const isFree = (/** @type {string} */ one) => !taken.has(one);
  const own = pythonName(key.replace(".", "_"));
  const found = [name, own, ...[2, 3, 4, 5].map((k) => `${own}_${k}`)].find(isFree) ?? own;
  taken.add(found);
  return found;
}

/** The axes that a part of an array has in the program; a part of one place on an axis has none.
 * @param {Held} held @returns {number[]} */
const axesOf = ({ whole, extent }) =>
  extent.map((_, axis) => axis).filter((axis) => whole || extent[axis] > 1);

/** An array, taken at indices and slices.
 * @param {Held} held @param {(axis: number) => string} index @returns {string} */
function indexedArray(held, index) {
  const found = axesOf(held).map(index);
  while (found.at(-1) === ":") found.pop();
  return found.length ? `${held.name}[${found.join(", ")}]` : held.name;
}

/** Terms that are alike, as a grid: of nested sums a side each, else one side.
 * @param {Expression[]} terms
 * @returns {{lengths: number[], bodies: Expression[]} | null} null where they are not alike */
function gridOf(terms) {
  if (terms.every((term) => term.kind === "sum" && term.terms.length > 0)) {
    const grids = terms.map((term) => gridOf(partsOf(term)));
    const lengths = grids[0]?.lengths;
    if (!lengths || !grids.every((grid) => String(grid?.lengths) === String(lengths))) return null;
    const bodies = grids.flatMap((grid) => grid?.bodies ?? []);
    return areAlikeTerms(bodies) ? { lengths: [terms.length, ...lengths], bodies } : null;
  }
  return areAlikeTerms(terms) ? { lengths: [terms.length], bodies: terms } : null;
}

/** @param {Expression[]} terms */
function areAlikeTerms(terms) {
  const first = skeletonOf(terms[0]);
  return terms.every((term) => skeletonOf(term) === first);
}

/** What an expression is but for the places of its cells.
 * @param {Expression} one @returns {string} */
function skeletonOf(one) {
  if (one.kind === "cell") return one.key;
  if (one.kind === "constant") return `${one.name}=${one.value}`;
  const name = one.kind === "call" ? one.name : one.kind;
  return `${name}(${partsOf(one).map(skeletonOf).join(",")})`;
}

/** The cell of each body at the same leaf as slices: on each axis an index or a slice over one side
 * of the grid, in the order of the grid. Null where it is not of this form.
 * @param {Program} program @param {Cell[]} cells @param {number[]} lengths
 * @returns {{text: string, sides: number[]} | null} */
function slicedCells(program, cells, lengths) {
  const held = /** @type {Held} */ (program.arrays.get(cells[0].key));
  const strides = lengths.map((_, side) => sizeOf(lengths.slice(side + 1)));
  const { at } = cells[0];
  const steps = at.map((first, axis) => strides.map((stride) => cells[stride].at[axis] - first));
  const fits = cells.every((cell, k) =>
    cell.at.every((found, axis) => {
      const moved = steps[axis].map(
        (step, side) => step * (Math.floor(k / strides[side]) % lengths[side]),
      );
      return found === moved.reduce((sum, one) => sum + one, at[axis]);
    }),
  );
  const sides = steps.flatMap((of) => of.flatMap((step, side) => (step ? [side] : [])));
  const inOrder = sides.every((side, k) => k === 0 || sides[k - 1] < side);
  if (!fits || !inOrder) return null;
  const text = indexedArray(held, (axis) => {
    const side = steps[axis].findIndex((step) => step !== 0);
    const low = at[axis] - held.low[axis];
    if (side < 0) return String(low);
    const step = steps[axis][side];
    if (step < 0) return reversedSlice(low, step, lengths[side]);
    const high = low + step * (lengths[side] - 1) + 1;
    const bounds = `${low || ""}:${high === held.extent[axis] ? "" : high}`;
    return step === 1 ? bounds : `${bounds}:${step}`;
  });
  return { text, sides };
}

/** @param {number} low @param {number} step @param {number} length */
function reversedSlice(low, step, length) {
  const end = low + step * length;
  return `${low}:${end < 0 ? "" : end}:${step}`;
}

/** Alike expressions as one over slices; null where they are not to be written so.
 * @param {Program} program @param {{lengths: number[], bodies: Expression[]}} grid
 * @returns {{text: string, factors: string[] | null} | null} factors: of a product of two rows */
function overSlices(program, { lengths: all, bodies }) {
  const lengths = all.filter((length) => length > 1);
  const leaves = bodies.map((body) => [...cellsOf(body)]);
  const found = leaves[0].map((_, k) =>
    slicedCells(
      program,
      leaves.map((cells) => cells[k]),
      lengths,
    ),
  );
  if (!lengths.length || !isInPython(program, bodies[0])) return null;
  if (!found.every((one) => one && isLastSides(one.sides, lengths.length))) return null;
  const counts = found.map((one) => one?.sides.length ?? 0);
  if (!counts.includes(lengths.length)) return null;
  const texts = new Map(leaves[0].map((leaf, k) => [leaf, found[k]?.text ?? ""]));
  const body = bodies[0];
  const isDot =
    body.kind === "product" &&
    body.factors.length === 2 &&
    body.factors.every((one) => one.kind === "cell") &&
    counts.every((count) => count === 1) &&
    lengths.length === 1;
  const text = inPython(program, body, (cell) => texts.get(cell) ?? "", false)[0];
  return { text, factors: isDot ? [...texts.values()] : null };
}

/** Whether the sides over which slices go are the last ones of the grid, so that NumPy repeats them
 * over the others.
 * @param {number[]} sides @param {number} count of the sides of the grid */
const isLastSides = (sides, count) => sides.every((side, k) => side === count - sides.length + k);

/** Whether all functions of an expression are known in Python.
 * @param {Program} program @param {Expression} one @returns {boolean} */
const isInPython = (program, one) =>
  (one.kind !== "call" || pythonCall(one.name, one.inputs.map(String), program.options)) !==
    null && partsOf(one).every((part) => isInPython(program, part));

/** How tightly the outermost operation of a text binds: 1 a sum, 2 a product, 3 a power, 4 a name.
 * @typedef {[text: string, binds: number]} Written */

/** @param {Written} one @param {number} least */
const inBrackets = ([text, binds], least) => (binds < least ? `(${text})` : text);

/** An expression in Python.
 * @param {Program} program @param {Expression} one @param {(cell: Cell) => string} cellText
 * @param {boolean} slices whether alike terms are written as one over slices
 * @returns {Written} */
function inPython(program, one, cellText, slices) {
  const part = (/** @type {Expression} */ other) => inPython(program, other, cellText, slices);
  switch (one.kind) {
    case "cell":
      return [cellText(one), 4];
    case "constant":
      return constantText(program, one);
    case "sum":
      return sumText(slices ? program : null, one.terms, part);
    case "product":
      if (!one.factors.length) return ["1.0", 4];
      return [one.factors.map((factor, k) => inBrackets(part(factor), k ? 3 : 2)).join(" * "), 2];
    case "quotient":
      return [`${inBrackets(part(one.over), 2)} / ${inBrackets(part(one.under), 3)}`, 2];
    case "power":
      return [`${inBrackets(part(one.base), 4)} ** ${inBrackets(part(one.exponent), 3)}`, 3];
    case "negative":
      return [`-${inBrackets(part(one.of), 2)}`, 1];
    case "call":
      return callText(program, one, part, slices);
  }
}

/** @param {Program} program @param {import("./expressions.js").Constant} one @returns {Written} */
function constantText(program, { name, value }) {
  const spelled = name ? pythonName(name) : "";
  if (spelled && !spelled.startsWith("v_")) {
    const known = program.constants.get(spelled);
    if (known === undefined || known === value) {
      program.constants.set(spelled, value);
      return [spelled, 4];
    }
  }
  const text = Number.isInteger(value) ? String(value) : pythonNumber(value);
  return [text, value < 0 ? 1 : 4];
}

/** @param {Program | null} program null where no slices are to be taken @param {Expression[]} terms
 * @param {(one: Expression) => Written} part @returns {Written} */
function sumText(program, terms, part) {
  if (!terms.length) return ["0.0", 4];
  if (terms.length === 1) return part(terms[0]);
  const grid = program && gridOf(terms);
  const found = program && grid && overSlices(program, grid);
  if (found?.factors) return [`${found.factors[0]} @ ${found.factors[1]}`, 2];
  if (found) return [/[ (]/.test(found.text) ? `np.sum(${found.text})` : `${found.text}.sum()`, 4];
  const texts = terms.map((term) => inBrackets(part(term), 1));
  return [texts.join(" + ").replaceAll("+ -", "- "), 1];
}

/** @param {Program} program @param {import("./expressions.js").Call} one
 * @param {(one: Expression) => Written} part @param {boolean} slices @returns {Written} */
function callText(program, one, part, slices) {
  if (slices && one.inputs.length > 1 && ["max", "min"].includes(one.name)) {
    const box = boxOf(one.inputs);
    const found = box && overSlices(program, box);
    if (found) return [`np.${one.name}(${found.text})`, 4];
  }
  const inputs = one.inputs.map((input) => part(input)[0]);
  if (one.name === "argmax") return [argmaxText(one, inputs), 4];
  const found = pythonCall(one.name, inputs, program.options);
  if (!found) {
    return [pythonNumber(evaluate(one, (key, at) => program.read(key, at) ?? Number.NaN)), 4];
  }
  if (found.definition) program.functions.add(found.definition);
  return [found.text, 4];
}

/** Which input is the largest, as the formula counts them: not from 0 on where a window lies partly
 * beyond the edge.
 * @param {import("./expressions.js").Call} one @param {string[]} inputs @returns {string} */
function argmaxText({ inputs: { length }, f }, inputs) {
  const numbers = inputs.map((_, k) => f(...Array.from({ length }, (_, j) => Number(j === k))));
  const found = `np.argmax([${inputs.join(", ")}])`;
  return numbers.every((number, k) => number === k) ? found : `[${numbers.join(", ")}][${found}]`;
}

/** Cells of one array that fill a box, as a grid with a side for each axis; null for others.
 * @param {Expression[]} inputs */
function boxOf(inputs) {
  const cells = inputs.flatMap((input) => (input.kind === "cell" ? [input] : []));
  if (cells.length < inputs.length || !areAlikeTerms(inputs)) return null;
  const lengths = cells[0].at.map(
    (low, axis) => Math.max(...cells.map(({ at }) => at[axis])) - low + 1,
  );
  return sizeOf(lengths) === inputs.length ? { lengths, bodies: inputs } : null;
}

/** The program for one cell.
 * @param {Scene} scene @param {Operation} operation @param {Place} at @param {Read} read
 * @returns {string} */
export function numpyProgram(scene, operation, at, read) {
  const expression = operation.expression(at);
  const layer = scene.layers.find((one) => one.name === operation.layer);
  /** @type {Program} */
  const program = {
    arrays: neededArrays(scene, expression),
    constants: new Map(),
    functions: new Set(),
    options: { ...scene.loss, ...layer?.activation },
    read,
  };
  const [text] = inPython(
    program,
    expression,
    (cell) => {
      const held = /** @type {Held} */ (program.arrays.get(cell.key));
      return indexedArray(held, (axis) => String(cell.at[axis] - held.low[axis]));
    },
    true,
  );
  const value = evaluate(expression, (key, place) => read(key, place) ?? Number.NaN);
  const names = new Set([...program.arrays.values()].map((one) => one.name));
  const own = program.arrays.get(operation.target)?.name.replace(INDICES, "");
  const name = own ?? freePythonName(scene, operation.target, names);
  const indices = at.length ? `[${at.join(", ")}]` : "";
  return [
    "import numpy as np",
    ...program.functions,
    "",
    `# ${operation.title}${layer ? ` of ${layer.name}` : ""}: ${operation.numpy}`,
    ...[...program.arrays].map(([key, held]) => arrayText(scene, key, held, read)),
    ...[...program.constants].map(([constant, number]) => `${constant} = ${pythonNumber(number)}`),
    "",
    `cell = ${text}  # ${name}${indices}`,
    `print(cell)  # the page shows ${pythonNumber(value)}`,
    "",
  ].join("\n");
}

/** @param {Scene} scene @param {string} key @param {Held} held @param {Read} read */
function arrayText(scene, key, held, read) {
  const axes = axesOf(held);
  const ranges = held.extent.map(
    (length, axis) => /** @type {[number, number]} */ ([held.low[axis], held.low[axis] + length]),
  );
  const places = placesIn(infoOf(scene, key)?.shape ?? [], ranges);
  const next = () => read(key, places.next().value ?? []) ?? Number.NaN;
  const extent = axes.map((axis) => held.extent[axis]);
  const start = `${held.name} = ${extent.length ? "np.array(" : ""}`;
  const text = `${start}${numpyLiteral(extent, next, " ".repeat(start.length))}${extent.length ? ")" : ""}`;
  if (held.whole) return text;
  const from = ranges.map(([low, high]) => (high - low === 1 ? low : `${low}:${high}`)).join(", ");
  return `${text}  # ${held.name.replace(INDICES, "")}[${from}] of the pass`;
}

/** The numbers that the program for a cell is written from, to be loaded before.
 * @param {Scene} scene @param {Operation} operation @param {Place} at
 * @returns {{key: string, region: import("./arrays.js").Region}[]} */
export function numpyNeeds(scene, operation, at) {
  return [...neededArrays(scene, operation.expression(at))].map(([key, { low, extent }]) => ({
    key,
    region: extent.map((length, axis) => [low[axis], low[axis] + length]),
  }));
}
