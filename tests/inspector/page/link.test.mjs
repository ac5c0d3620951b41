import assert from "node:assert/strict";
import { test } from "node:test";
import { linkedView, linkTo, viewOfText } from "../../../src/chainrule/inspector/page/link.js";
import { huntOf } from "../../../src/chainrule/inspector/page/predicting.js";
import { FIRST_VIEW } from "../../../src/chainrule/inspector/page/store.js";

const info = (key, role, shape) => ({ key, role, shape });
const SCENE = {
  cases: [{}, {}, {}],
  layers: [{ name: "dense_1" }],
  arrays: [
    info("input.out", "value", [3, 2]),
    info("loss.t", "value", [3, 2]),
    info("dense_1.W", "parameter", [2, 4]),
    info("dense_1.z", "value", [3, 4]),
  ],
};
const OPERATIONS = [{ target: "dense_1.z" }, { target: "dense_1.out" }];
const text = (parts) => Buffer.from(JSON.stringify(parts)).toString("base64url");
const CASES = { kind: "cases", x: [[1, 2]], t: [[0, 1]], labels: ["pasted 1 · Löwe"] };
const EDITS = [
  CASES,
  { kind: "parameter", key: "dense_1.W", at: [1, 3], value: -0.1 },
  { kind: "input", at: [0, 1], value: 1e-300 },
  { kind: "target", at: [0, 0], value: 1 },
  { kind: "activation", layer: "dense_1", value: "relu" },
];

test("a link brings back the view, and keeps the key of the server", () => {
  const view = {
    ...FIRST_VIEW,
    operation: 1,
    case_: 0,
    alone: true,
    chosen: { key: "dense_1.W", at: [1, 3] },
    light: "influences",
    reach: "all",
    oneScale: true,
    edits: EDITS,
    bugs: ["forgot"],
    frame: 4,
    mode: "break",
    camera: { x: 1.5, y: -2, scale: 0.3 },
  };
  const address = linkTo("http://127.0.0.1:8000/#token=abc", view, OPERATIONS);
  assert.match(address, /^http:\/\/127\.0\.0\.1:8000\/#token=abc&view=[\w-]+$/);
  const found = linkedView(address, SCENE);
  assert.deepEqual(found.ignored, []);
  assert.equal(found.operation, "dense_1.out");
  const { operation, pass, hovered, ...wanted } = view;
  assert.deepEqual(
    { ...FIRST_VIEW, ...found.view, operation, pass, hovered },
    { ...wanted, operation, pass, hovered },
  );
});

test("a page without a server has the view alone, and no view is none", () => {
  const address = linkTo("file:///home/me/page.html", { ...FIRST_VIEW, case_: 2 }, OPERATIONS);
  assert.match(address, /^file:\/\/\/home\/me\/page\.html#view=[\w-]+$/);
  assert.deepEqual(linkedView(address, SCENE).view, { case_: 2 });
  assert.equal(linkedView("file:///home/me/page.html#other=1", SCENE), null);
});

test("a link hands on a bug without its name, and every page plants the same", () => {
  const bugs = ["one", "two", "three", "four", "five"].map((name) => ({ name, title: name }));
  const scene = { ...SCENE, bugs };
  const planted = new Set();
  for (let hunt = 0; hunt < 40; hunt++) {
    const { bug, choices } = huntOf(bugs, hunt);
    assert.equal(new Set(choices).size, 4);
    assert.ok(choices.includes(bug));
    const view = { ...FIRST_VIEW, bugs: [bug.name], hunt, mode: "break" };
    const address = linkTo("file:///page.html", view, OPERATIONS);
    const told = Buffer.from(address.split("view=")[1], "base64url").toString();
    assert.deepEqual(JSON.parse(told), { v: 1, hunt, mode: "break" });
    assert.deepEqual(linkedView(address, scene).view, { bugs: [bug.name], hunt, mode: "break" });
    planted.add(bug.name);
  }
  assert.equal(planted.size, 5);
  assert.equal(huntOf(bugs.slice(0, 1), 3).bug, bugs[0]);
  assert.deepEqual(viewOfText(text({ v: 1, hunt: -1 }), scene).ignored, ["“hunt”"]);
  const taken = { ...FIRST_VIEW, hunt: 3 }; // the bug was taken back
  assert.deepEqual(linkedView(linkTo("file:///page.html", taken, OPERATIONS), scene).view, {});
});

test("what does not fit the scene is left out, by name", () => {
  const tried = (parts) => viewOfText(text({ v: 1, ...parts }), SCENE);
  for (const [parts, ignored] of [
    [{ colour: "red", case: 1 }, ["“colour”"]],
    [{ case: 3 }, ["“case”"]],
    [{ case: -1 }, ["“case”"]],
    [{ case: 1.5 }, ["“case”"]],
    [{ mode: "constructor" }, ["“mode”"]],
    [{ oneScale: 1 }, ["“oneScale”"]],
    [{ toString: 1, __proto__: null, hasOwnProperty: 2 }, ["“toString”", "“hasOwnProperty”"]],
    [{ camera: { x: 0, y: 0, scale: 0 } }, ["“camera”"]],
    [{ camera: { x: 0, y: 0 } }, ["“camera”"]],
    [{ cell: { key: "dense_1.W", at: [-1, 0] } }, ["“cell”"]],
    [{ cell: "dense_1.W" }, ["“cell”"]],
    [{ bugs: "forgot" }, ["“bugs”"]],
    [{ bugs: [1] }, ["“bugs”"]],
  ]) {
    const found = tried(parts);
    assert.deepEqual(found.ignored, ignored);
    assert.deepEqual(found.view, parts.colour ? { case_: 1 } : {});
  }
});

test("edits that do not fit are left out whole", () => {
  const weight = EDITS[1];
  for (const edits of [
    "W",
    [null],
    [{ ...weight, value: null }],
    [{ ...weight, value: "1" }],
    [{ ...weight, at: [2, 0] }],
    [{ ...weight, at: [0] }],
    [{ ...weight, key: "dense_1.z" }],
    [{ ...weight, key: "dense_9.W" }],
    [{ kind: "input", at: [3, 0], value: 1 }],
    [CASES, { kind: "target", at: [1, 0], value: 1 }],
    [{ kind: "activation", layer: "dense_2", value: "relu" }],
    [{ kind: "activation", layer: "dense_1", value: 3 }],
    [{ ...CASES, x: [[1]] }],
    [
      {
        ...CASES,
        t: [
          [0, 1],
          [0, 1],
        ],
      },
    ],
    [{ ...CASES, labels: [] }],
    [{ ...CASES, labels: [7] }],
    [{ kind: "__proto__" }],
  ]) {
    const found = viewOfText(text({ v: 1, edits, case: 1 }), SCENE);
    assert.deepEqual(
      [found.view, found.ignored],
      [{ case_: 1 }, ["the edits"]],
      JSON.stringify(edits),
    );
  }
});

test("anything else is no view", () => {
  for (const one of [
    "",
    "%",
    "e30",
    text([]),
    text(null),
    text("v"),
    text({ v: 2 }),
    "A".repeat(40000),
    "\u0000",
    "_".repeat(99),
    "<script>",
  ]) {
    const found = viewOfText(one, SCENE);
    assert.deepEqual(found.view, {});
    assert.equal(found.ignored.length, 1, one);
  }
});
