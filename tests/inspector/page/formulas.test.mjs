/** Rules, numbers put in, names and derivatives of formulas. */
import assert from "node:assert/strict";
import test from "node:test";
import { derivative } from "../../../src/chainrule/inspector/page/derivative.js";
import {
  call,
  cell,
  cellsOf,
  constant,
  curve,
  evaluate,
  negative,
  power,
  product,
  quotient,
  sum,
} from "../../../src/chainrule/inspector/page/expressions.js";
import { textOf } from "../../../src/chainrule/inspector/page/math.js";
import { nameText, userName } from "../../../src/chainrule/inspector/page/names.js";
import { numberText, roundedTo } from "../../../src/chainrule/inspector/page/numbers.js";
import { DENSE } from "../../../src/chainrule/inspector/page/operations/dense.js";
import {
  askedPlaces,
  faultOf,
  numberWritten,
  tolerance,
} from "../../../src/chainrule/inspector/page/predicting.js";
import {
  fittedDigits,
  generalRule,
  regionsAround,
  shortened,
} from "../../../src/chainrule/inspector/page/rules.js";

const WEIGHTS = { name: "W", shape: [784, 3], trained: true, rate: 0.1, penalty: {} };
const BIASES = { name: "b", shape: [3], trained: true, rate: 0.1, penalty: {} };
const info = (key, letter, shape, cases) => {
  const [layer, name] = key.split(".");
  return { key, layer, name, role: "value", letter, shape, cases, says: "" };
};
const SCENE = {
  names: { inputs: null, outputs: ["no", "yes", "perhaps"] },
  cases: [],
  input_shape: [784],
  output: "dense_1",
  lengths: null,
  layers: [
    {
      name: "dense_1",
      type: "dense",
      number: 1,
      sources: ["input"],
      input_shape: [784],
      z_shape: [3],
      output_shape: [3],
      activation: { type: "tanh" },
      options: { type: "dense" },
      at_each_step: false,
      by_formula: true,
      parameters: [WEIGHTS, BIASES],
    },
  ],
  arrays: [
    info("input.out", "x", [4, 784], true),
    info("dense_1.W", "W", [784, 3], false),
    info("dense_1.b", "b", [3], false),
    info("dense_1.z", "z", [4, 3], true),
    info("dense_1.out", "y", [4, 3], true),
    info("dense_1.J", "∂L/∂y", [4, 3], true),
    info("dense_1.delta", "δ", [4, 3], true),
    info("input.J", "∂L/∂x", [4, 784], true),
    info("dense_1.W_grad", "∂L/∂W", [784, 3], false),
  ],
};
const number = (key, at) => Math.sin(key.length * 7 + at.reduce((all, k) => all * 31 + k, 5));
const [LAYER] = SCENE.layers;
const OPERATIONS = [
  ...DENSE.forward(SCENE, LAYER),
  ...DENSE.backward(SCENE, LAYER),
  ...DENSE.gradients(SCENE, LAYER),
];
const operation = (target) => OPERATIONS.find((one) => one.target === target);
const rule = (target, at) => {
  const { shape, cases } = SCENE.arrays.find(({ key }) => key === target);
  const found = generalRule(operation(target), at, shape, cases);
  const manner = { scene: SCENE, ownCase: cases ? at[0] : null, digits: 4 };
  return `${textOf(found.result, manner)} = ${textOf(found.rule, manner)}`;
};

test("the general rule has letters for the places and Σ for the terms", () => {
  assert.equal(rule("dense_1.z", [2, 1]), "z⁽¹⁾ⱼ = Σ(i = 1 … 784) xᵢ · W⁽¹⁾ᵢⱼ + b⁽¹⁾ⱼ");
  assert.equal(rule("dense_1.z", [0, 2]), rule("dense_1.z", [2, 0]));
  assert.equal(rule("dense_1.W_grad", [5, 1]), "∂L/∂W⁽¹⁾ᵢⱼ = Σ(n = 1 … 4) xᵢ(n) · δ⁽¹⁾ⱼ(n)");
});

/** A formula of windows: out(i) = Σ_p x(2 i + p) w(p), counted from 0. */
const WINDOWS = {
  target: "out",
  expression: ([i]) =>
    sum(
      [0, 1, 2].map((p) => product(cell("x", [2 * i + p]), cell("w", [p]))),
      "p",
    ),
};
test("windows are written as places that move with the result", () => {
  const found = generalRule(WINDOWS, [1], [5], false);
  const [x, w] = [...cellsOf(found.rule)];
  assert.deepEqual([x.labels, w.labels], [["2j+p−2"], ["p"]]);
});

test("two places that look like a pattern are not one", () => {
  const rows = { target: "out", expression: ([i]) => cell("x", [Math.floor(i / 3), i % 3]) };
  for (const at of [0, 1, 2, 3, 5]) {
    const found = generalRule(rows, [at], [6], false);
    assert.deepEqual([...cellsOf(found.rule)][0].labels, [null, null], String(at));
  }
});

test("at a border the rule of the middle is said", () => {
  const states = {
    target: "out",
    expression: ([s]) => (s ? sum([cell("x", [s]), cell("out", [s - 1])]) : cell("x", [s])),
  };
  const found = generalRule(states, [0], [6], false);
  assert.deepEqual(
    [...cellsOf(found.rule)].map(({ labels }) => labels),
    [["j"], ["j−1"]],
  );
});

test("without a pattern there is no general rule", () => {
  const places = [0, 1, 5, 2];
  const irregular = {
    target: "out",
    expression: () =>
      sum(
        places.map((k) => cell("x", [k])),
        "i",
      ),
  };
  assert.equal(generalRule(irregular, [0], [1], false), null);
});

test("a long sum keeps its largest terms, and the numbers put in give the result", () => {
  const whole = operation("dense_1.z").expression([1, 2]);
  const value = evaluate(whole, number);
  const short = shortened(whole, number);
  const values = whole.terms[0].terms.map((term) => Math.abs(evaluate(term, number)));
  const least = values.toSorted((a, b) => b - a)[5];
  const kept = short.terms[0].terms;
  assert.equal(kept.length, 7);
  for (const term of kept.slice(0, 6)) assert.ok(Math.abs(evaluate(term, number)) >= least);
  assert.ok(Math.abs(evaluate(short, number) - value) < 1e-12);
  const { numbers, digits, result, exact } = fittedDigits(short, number, value);
  assert.ok(exact && digits <= 9 && result === 5);
  assert.equal([...cellsOf(numbers)].length, 0);
  assert.equal(roundedTo(evaluate(numbers, number), result), roundedTo(value, result));
});

test("numbers of which little is left have more digits", () => {
  const one = sum([cell("x", [0]), negative(cell("y", [0]))]);
  const read = (key) => (key === "x" ? 1 / 3 : 0.3333333);
  const found = fittedDigits(one, read, evaluate(one, read));
  assert.ok(found.exact && found.digits >= 12);
});

test("numbers are written as people read them", () => {
  assert.deepEqual(
    [0, -0.25, 1e-7, -1.5e-7, 1234567, 12, 1 / 3, Number.NaN, -Infinity].map((x) => numberText(x)),
    ["0", "−0.25", "10⁻⁷", "−1.5·10⁻⁷", "1.235·10⁶", "12", "0.3333", "NaN", "−∞"],
  );
  assert.equal(numberText(0.1 + 0.2, 17), "0.30000000000000004");
});

test("names are those of explain, and the person's own", () => {
  assert.equal(nameText(SCENE, "dense_1.W", [0, 1]), "W⁽¹⁾₁₂");
  assert.equal(nameText(SCENE, "dense_1.W", [11, 1]), "W⁽¹⁾₁₂,₂");
  assert.equal(nameText(SCENE, "dense_1.W_grad", [0, 1]), "∂L/∂W⁽¹⁾₁₂");
  assert.equal(nameText(SCENE, "dense_1.out", [2, 1], 2), "y₂");
  assert.equal(nameText(SCENE, "dense_1.out", [2, 1], 0), "y₂(case 3)");
  assert.equal(userName(SCENE, "dense_1.out", [2, 1]), "yes");
});

test("a line of text has parentheses where they are needed", () => {
  const manner = { scene: SCENE, ownCase: null, digits: 4 };
  const one = product(sum([constant(1), constant(-2)]), quotient(constant(3), constant(-4)));
  assert.equal(textOf(one, manner), "(1 − 2) · 3 / −4");
  assert.equal(textOf(product(constant(2), constant(-0.5)), manner), "2 · (−0.5)");
  assert.equal(
    textOf(
      call("[> 0]", (x) => Number(x > 0), constant(3)),
      manner,
    ),
    "[3 > 0]",
  );
  const squared = (key) => textOf(power(cell(key, [0, 0]), constant(2)), manner);
  assert.equal(squared("dense_1.W_grad"), "(∂L/∂W⁽¹⁾₁₁)^(2)");
  assert.equal(squared("dense_1.W"), "(W⁽¹⁾₁₁)^(2)");
  assert.equal(textOf(power(negative(constant(2)), constant(3)), manner), "(−2)^(3)");
});

/** A tree of every kind of expression, of cells x(0) … x(4), by a seeded generator. */
function randomTree(random, depth) {
  const inner = () => randomTree(random, depth - 1);
  const kind = depth ? Math.floor(random() * 9) : 0;
  const safe = () => sum([constant(2), call("abs", Math.abs, inner())]);
  if (kind === 0) return cell("x", [Math.floor(random() * 5)]);
  if (kind === 1) return sum([inner(), inner(), inner()], "i");
  if (kind === 2) return product(inner(), inner(), constant(0.5));
  if (kind === 3) return quotient(inner(), safe());
  if (kind === 4) return power(safe(), constant(-0.5));
  if (kind === 5) return negative(inner());
  if (kind === 6) return curve("tanh", Math.tanh, (x) => 1 / Math.cosh(x) ** 2, inner());
  if (kind === 7) return call("unknown", (a, b) => Math.sin(a) * b, inner(), inner());
  return call("max", Math.max, inner(), inner());
}

test("fractions of fractions are one", () => {
  const manner = { scene: SCENE, ownCase: null, digits: 4 };
  const [a, b, c] = [constant(1, "a"), constant(2, "b"), constant(3, "c")];
  assert.equal(textOf(quotient(negative(quotient(a, b)), c), manner), "−a / (b · c)");
});

/** What is said of an answer, for a cell of which a bias of 0.5 is an addend. */
const said = (answer, value) => faultOf(numberWritten(answer), value, [{ name: "b", value: 0.5 }]);

test("answers are marked to two digits, and told what is wrong with them", () => {
  for (const [answer, value] of [
    ["0.12", 0.1249],
    ["-1,3", -1.349],
    ["−2·10^-7", -2.04e-7],
    ["3e8", 2.96e8],
    ["0", 0],
  ])
    assert.equal(said(answer, value), "", answer);
  assert.notEqual(said("0.13", 0.1249), "");
  assert.match(said("0.12", -0.12), /sign/);
  assert.match(said("0.7", 1.2), /b is missing/);
  assert.match(said("12", 0.12), /point/);
  assert.match(said("9", 1.7), /too large/);
  assert.match(said("1", 1.7), /too small/);
  assert.match(said("one", 1.7), /no number/);
  assert.match(said("", 0), /no number/);
  assert.notEqual(said("0.1", 0), "");
  assert.match(said("0.2", 1.2), /the sign of b/);
});

test("of an updated weight it is the change that is marked", () => {
  const step = { name: "−η g", value: -0.00025 };
  const of = (answer) => faultOf(answer, 0.24975, [step], tolerance(step.value));
  assert.equal(of(0.249747), "");
  assert.match(of(0.25), /: η g is missing/);
  assert.match(of(0.25025), /the sign of η g/);
  assert.match(of(0.2484), /too small/);
});

test("what is asked is of the case shown, and the same for a seed", () => {
  for (let seed = 0; seed < 50; seed++) {
    const places = askedPlaces([4, 5, 2], true, 2, seed);
    assert.equal(new Set(places.map(String)).size, 3);
    for (const [of, i, j] of places) assert.ok(of === 2 && i < 5 && j < 2);
    assert.deepEqual(places, askedPlaces([4, 5, 2], true, 2, seed));
  }
  assert.equal(askedPlaces([4, 1], true, 0, 1).length, 1);
  const all = Array.from({ length: 50 }, (_, seed) => String(askedPlaces([9], false, 0, seed)));
  assert.ok(new Set(all).size > 40);
});

test("derivatives of 200 trees are those of difference quotients", () => {
  let state = 1;
  const random = () => {
    state = (state * 48271) % 2147483647;
    return state / 2147483647;
  };
  for (let k = 0; k < 200; k++) {
    const tree = randomTree(random, 4);
    const x = Array.from({ length: 5 }, () => 2 * random() - 1);
    for (let n = 0; n < 5; n++) {
      const h = 1e-5;
      const at = (by) => evaluate(tree, (_, [m]) => x[m] + (m === n ? by : 0));
      const numeric = (at(h) - at(-h)) / (2 * h);
      const found = derivative(tree, { key: "x", at: [n] }, (_, [m]) => x[m]);
      assert.ok(Math.abs(found - numeric) <= 1e-7 * Math.max(1, Math.abs(numeric)), `${k}: ${n}`);
    }
  }
});

test("regions hold all cells", () => {
  const found = regionsAround([
    { key: "a", at: [1, 5] },
    { key: "a", at: [3, 2] },
    { key: "b", at: [] },
  ]);
  assert.deepEqual(found, [
    {
      key: "a",
      region: [
        [1, 4],
        [2, 6],
      ],
    },
    { key: "b", region: [] },
  ]);
});
