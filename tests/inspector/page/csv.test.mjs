import assert from "node:assert/strict";
import { test } from "node:test";
import { casesIn, numberIn, rowsOf } from "../../../src/chainrule/inspector/page/csv.js";

/** A scene of so many inputs, classes or values. */
function scene({ inputs, classes = null, values = null, more = {} }) {
  const size = classes?.length ?? values.length;
  return {
    input_shape: [inputs.length],
    names: { inputs, outputs: classes ?? values, classes, target: classes ? "species" : null },
    loss: { type: classes ? "cross_entropy" : "mse" },
    scaling: { inputs: null, targets: null },
    columns: null,
    arrays: [{ key: "loss.t", shape: [3, size] }],
    ...more,
  };
}
const IRIS = scene({ inputs: ["length", "width"], classes: ["setosa", "virginica"] });
const refused = (text, sentence, of = IRIS) =>
  assert.throws(() => casesIn(text, of), { message: sentence });

test("columns are matched by name in any order, and classes by name", () => {
  const found = casesIn("Species,width,other,LENGTH\nvirginica,2,9,1\nsetosa,4,9,3\n", IRIS);
  assert.deepEqual(found.x, [
    [1, 2],
    [3, 4],
  ]);
  assert.deepEqual(found.t, [
    [0, 1],
    [1, 0],
  ]);
  assert.deepEqual(found.labels, ["pasted, virginica", "pasted, setosa"]);
});

test("without a header the columns are taken in order", () => {
  assert.deepEqual(casesIn("1,2,setosa", IRIS).x, [[1, 2]]);
  assert.deepEqual(casesIn("1\t2\tsetosa\r\n\r\n3\t4\tvirginica", IRIS).x, [
    [1, 2],
    [3, 4],
  ]);
  assert.equal(casesIn("1,2,setosa\r3,4,virginica\r", IRIS).x.length, 2);
});

test("the one column that is no input is the label, whatever its heading", () => {
  assert.deepEqual(casesIn("length,width,what it is\n1,2,setosa", IRIS).t, [[1, 0]]);
});

test("the user's own scaling is applied", () => {
  const scaling = {
    inputs: { mean: [1, 10], scale: [2, 5] },
    targets: { mean: [100], scale: [10] },
  };
  const of = scene({ inputs: ["a", "b"], values: ["price"], more: { scaling } });
  const found = casesIn("price,b,a\n120,0,5", of);
  assert.deepEqual([found.x, found.t], [[[2, -2]], [[2]]]);
});

test("categories become the inputs that training had for them", () => {
  const number = {
    name: "age",
    kind: "number",
    inputs: [0, 1],
    categories: [],
    has_indicator: false,
  };
  const words = {
    name: "town",
    kind: "one_hot",
    inputs: [1, 3],
    categories: ["Ulm", "Bonn"],
    has_indicator: true,
  };
  const code = {
    name: "size",
    kind: "integer",
    inputs: [4, 1],
    categories: ["S", "M", "L"],
    has_indicator: false,
  };
  const of = scene({
    inputs: [..."abcde"],
    values: ["y"],
    more: { columns: [number, words, code] },
  });
  assert.deepEqual(casesIn("size,age,town,y\nL,7,Bonn,0", of).x, [[7, 0, 1, 0, 2]]);
  refused(
    "size,age,town,y\nL,7,Rom,0",
    "Line 2, column “town”: “Rom” is none of “Ulm”, “Bonn”.",
    of,
  );
});

test("a class of one output is a 0 or a 1, and numbers of classes without names count from 0", () => {
  const more = {
    loss: { type: "binary_cross_entropy" },
    arrays: [{ key: "loss.t", shape: [3, 1] }],
  };
  const one = scene({ inputs: ["a"], classes: ["no", "yes"], more });
  assert.deepEqual(casesIn("1,yes\n2,no", one).t, [[1], [0]]);
  const names = { inputs: ["a"], outputs: null, classes: null, target: null };
  const unnamed = scene({ inputs: ["a"], classes: ["0", "1", "2"], more: { names } });
  assert.deepEqual(casesIn("1,2", unnamed).t, [[0, 0, 1]]);
  refused("1,3", "Line 1, column “target”: “3” is none of “0”, “1”, “2”.", unnamed);
});

test("each step of a sequence has its class", () => {
  const more = { input_shape: [2, 1], arrays: [{ key: "loss.t", shape: [3, 2, 2] }] };
  const of = scene({ inputs: ["a", "b"], classes: ["x", "y"], more });
  assert.deepEqual(casesIn("1,2,y,x", of).t, [[0, 1, 1, 0]]);
});

test("quotes, decimal commas, and a mark at the beginning are read", () => {
  assert.deepEqual(
    rowsOf('\uFEFF"a ""b""",c\n"d\ne",f').map((row) => row.cells),
    [
      ['a "b"', "c"],
      ["d\ne", "f"],
    ],
  );
  assert.deepEqual(casesIn("length;width;species\n1,5;-2,25;setosa", IRIS).x, [[1.5, -2.25]]);
  assert.deepEqual(["−3", "1e-3", "0x10", "", "1 2", "Infinity"].map(numberIn), [
    -3,
    0.001,
    Number.NaN,
    Number.NaN,
    Number.NaN,
    Number.NaN,
  ]);
});

test("what is wrong is said with its line and column", () => {
  refused("", "There is nothing in it.");
  refused("length,width,species", "There is a header, and no case below it.");
  refused("length,width,species\n1,two,setosa", "Line 2, column “width”: “two” is no number.");
  refused("length,width,species\n\n1,,setosa", "Line 3, column “width”: there is no value.");
  refused("1,1e999,setosa", "Line 1, column “width”: 1e999 is too large.");
  refused("1,2,rosa", "Line 1, column “species”: “rosa” is none of “setosa”, “virginica”.");
  refused("1,2", "Line 1 has 2 columns; 3 are expected: “length”, “width”, “species”.");
  refused(
    "length,species\n1,setosa",
    "There is no column “width”; the header has “length”, “species”.",
  );
  refused("1,2,setosa\n1,2", "Line 2 has 2 columns; the first line has 3.");
  refused('1,"2,setosa\n', "Line 1: a quote opens and is never closed.");
  refused("1,2,setosa\n".repeat(201), "These are 201 cases; the page shows at most 200 at once.");
});
