import assert from "node:assert/strict";
import { test } from "node:test";
import { flatIndex, placeOf, sizeOf } from "../../../src/chainrule/inspector/page/arrays.js";
import { operationsOf } from "../../../src/chainrule/inspector/page/operations/operations.js";
import { levelsShown } from "../../../src/chainrule/inspector/page/view/bitmaps.js";
import {
  fitted,
  opening,
  showing,
  zoomed,
} from "../../../src/chainrule/inspector/page/view/camera.js";
import { inkOn } from "../../../src/chainrule/inspector/page/view/colours.js";
import { shortNumber } from "../../../src/chainrule/inspector/page/view/drawing.js";
import {
  cellPlace,
  cellsAcross,
  cellsDown,
  flatAt,
  formFor,
  spotOf,
} from "../../../src/chainrule/inspector/page/view/forms.js";
import { layoutOf } from "../../../src/chainrule/inspector/page/view/layout.js";
import { lightOf, wayOfLight } from "../../../src/chainrule/inspector/page/view/light.js";

const ROOM = { width: 240, height: 170 };
const info = (shape, cases) => ({
  key: "a.out",
  layer: "a",
  name: "out",
  letter: "a",
  shape,
  cases,
});

/** Every spot of a form. */
function* spotsOf(form) {
  for (let down = 0; down < form.down; down++)
    for (let across = 0; across < form.across; across++)
      for (let row = 0; row < form.rows; row++)
        for (let column = 0; column < form.columns; column++) yield { down, across, row, column };
}

/** The flat indices that a form shows. */
const shownBy = (form) => [...spotsOf(form)].map((s) => flatAt(form, s)).filter((k) => k >= 0);

test("every number of a parameter has one cell, and every cell its number", () => {
  for (const shape of [[], [7], [300], [3, 5], [8, 1, 3, 3], [4, 3, 3, 3], [2, 3, 4, 2, 2]]) {
    const form = formFor(info(shape, false), 0, null, ROOM);
    const all = Array.from({ length: sizeOf(shape) }, (_, k) => k);
    assert.deepEqual(
      shownBy(form).sort((a, b) => a - b),
      all,
      `${shape}`,
    );
    for (const spot of spotsOf(form)) {
      const flat = flatAt(form, spot);
      if (flat >= 0) assert.deepEqual(spotOf(form, flat), spot, `${shape}`);
    }
  }
});

test("of maps and sequences the chosen case is shown, of rows all cases", () => {
  for (const one of [
    [5, 4],
    [2, 3, 4],
    [7, 5, 5],
  ]) {
    const shape = [4, ...one];
    const form = formFor(info(shape, true), 2, null, ROOM);
    const cases = new Set(shownBy(form).map((flat) => placeOf(shape, flat)[0]));
    assert.deepEqual([...cases], [2]);
    assert.equal(shownBy(form).length, sizeOf(one));
    assert.equal(spotOf(form, 0), null);
  }
  assert.equal(shownBy(formFor(info([4, 6], true), 2, null, ROOM)).length, 24);
});

test("steps stand side by side, units below each other", () => {
  const form = formFor(info([1, 5, 3], true), 0, null, ROOM);
  assert.deepEqual([form.columns, form.rows], [5, 3]);
  assert.equal(
    flatAt(form, { down: 0, across: 0, row: 2, column: 4 }),
    flatIndex([1, 5, 3], [0, 4, 2]),
  );
});

test("rows that are images stand as images, one a case", () => {
  const form = formFor(info([3, 6], true), 0, [2, 3], ROOM);
  assert.deepEqual([form.tiles, form.rows, form.columns, form.cases], [3, 2, 3, "tile"]);
});

test("a vector of a thousand units is wrapped, and tiles fill the room they have", () => {
  const vector = formFor(info([1, 1000], true), 0, null, ROOM);
  assert.ok(cellsAcross(vector) < 60 && cellsDown(vector) < 60);
  const wide = formFor(info([1, 12, 4, 4], true), 0, null, { width: 400, height: 40 });
  const high = formFor(info([1, 12, 4, 4], true), 0, null, { width: 40, height: 400 });
  assert.ok(wide.across > wide.down && high.across < high.down);
});

test("levels lie as the cells do, whether exact or rough, and say what is no number", () => {
  const shape = [2, 3, 2, 2];
  const form = formFor(info(shape, true), 1, null, ROOM);
  const data = Float64Array.from({ length: 24 }, (_, k) => k - 18.2);
  data[13] = Number.NaN;
  data[14] = Number.NEGATIVE_INFINITY;
  const exact = levelsShown(form, { data, scale: 1, largest: 20 });
  const rough = levelsShown(form, {
    data: Int8Array.from(data, (x) => (Number.isFinite(x) ? Math.round((x / 20) * 127) : -128)),
    scale: 20 / 127,
    largest: 20,
  });
  for (const spot of spotsOf(form)) {
    const flat = flatAt(form, spot);
    if (flat < 0) continue;
    const at = cellPlace(form, spot);
    const wanted = Number.isFinite(data[flat]) ? Math.round((data[flat] / 20) * 127) : -128;
    assert.equal(exact[at], wanted);
    assert.equal(rough[at], wanted);
  }
  assert.equal(exact.filter((level) => level === -256).length, exact.length - 12);
});

test("a number is written with the digits that there is room for", () => {
  assert.equal(shortNumber(-0.00533911, 6), "−0.005");
  assert.equal(shortNumber(0.15, 9), "0.15");
  assert.equal(shortNumber(1 / 3, 7), "0.33333");
  assert.equal(shortNumber(Number.NEGATIVE_INFINITY, 3), "−∞");
  for (const x of [1 / 3, -2e-9, 123456.789, 0.1 + 0.2])
    for (const signs of [7, 9, 14]) assert.ok(shortNumber(x, signs).length <= signs, `${x}`);
});

test("a camera that comes closer keeps the point under the pointer", () => {
  const camera = { x: 5, y: -3, scale: 2 };
  const point = { x: 100, y: 40 };
  const closer = zoomed(camera, 3, point, 0.1);
  assert.equal(closer.scale, 6);
  assert.equal(closer.x + point.x / 6, camera.x + point.x / 2);
  assert.equal((closer.y + point.y / 6).toFixed(9), (camera.y + point.y / 2).toFixed(9));
  assert.equal(zoomed(camera, 1e-9, point, 0.1).scale, 0.1);
  const screen = { width: 300, height: 200 };
  const moved = showing(
    { x: 0, y: 0, scale: 1 },
    { x: 500, y: 50, width: 10, height: 10 },
    screen,
  );
  assert.ok(moved.x + 300 >= 510 && moved.x <= 500 && moved.y === 0);
});

test("a picture opens whole, or where that cannot be read on its beginning", () => {
  const screen = { width: 800, height: 600 };
  const small = { x: 0, y: -100, width: 700, height: 500 };
  assert.deepEqual(opening(small, screen), fitted(small, screen));
  const long = { x: 0, y: -100, width: 9000, height: 500 };
  const { x, scale } = opening(long, screen);
  assert.ok(scale >= 0.5 && x <= 0 && x > -100);
});

/** A scene of dense layers by name, each with its sources; one case of two inputs. */
function sceneOf(layers) {
  const arrays = [{ ...info([1, 2], true), key: "input.out", layer: "input", role: "value" }];
  const size = 2;
  for (const [name] of layers) {
    const add = (part, role, shape, cases) =>
      arrays.push({
        key: `${name}.${part}`,
        layer: name,
        name: part,
        role,
        shape,
        cases,
        letter: part,
      });
    add("W", "parameter", [size, size], false);
    add("b", "parameter", [size], false);
    add("out", "value", [1, size], true);
    add("J", "gradient", [1, size], true);
    add("W_grad", "parameter_gradient", [size, size], false);
    add("b_grad", "parameter_gradient", [size], false);
    add("W_new", "update", [size, size], false);
  }
  const parameter = { trained: true, rate: 0.1, penalty: {}, is_bias: false };
  return {
    arrays,
    input_shape: [2],
    names: { inputs: null, outputs: null },
    cases: [{ number: 0, label: "" }],
    loss: { type: "mse" },
    optimizer: { type: "sgd" },
    output: layers.at(-1)[0],
    lengths: null,
    scaling: { inputs: null, targets: null },
    layers: layers.map(([name, ...sources], k) => ({
      name,
      type: "dense",
      number: k + 1,
      sources: sources.length ? sources : [layers[k - 1]?.[0] ?? "input"],
      input_shape: [size],
      output_shape: [size],
      z_shape: [size],
      activation: null,
      options: {},
      at_each_step: false,
      by_formula: true,
      parameters: [
        { ...parameter, name: "W", shape: [size, size] },
        { ...parameter, name: "b", shape: [size], is_bias: true },
      ],
    })),
  };
}
const SCREEN = { width: 900, height: 700 };
const columnOf = (layout, name) => layout.columns.find((one) => one.name === name);

test("values stand above the line, gradients below, and no block over another", () => {
  const layout = layoutOf(sceneOf([["one"], ["two"], ["three"]]), 0, SCREEN);
  for (const block of layout.blocks) {
    const { line } = columnOf(layout, block.info.layer);
    if (["parameter", "value"].includes(block.info.role))
      assert.ok(block.y + block.height <= line);
    else assert.ok(block.y >= line);
    for (const other of layout.blocks) {
      const apart =
        block === other ||
        block.x + block.width <= other.x ||
        other.x + other.width <= block.x ||
        block.y + block.height <= other.y ||
        other.y + other.height <= block.y;
      assert.ok(apart, `${block.info.key} and ${other.info.key}`);
    }
  }
  assert.deepEqual(
    layout.edges.map(({ track }) => track),
    [0, 0, 0],
  );
});

test("the columns of units lie below each other in W, b and the output", () => {
  const { blocks } = layoutOf(sceneOf([["one"]]), 0, SCREEN);
  const lefts = blocks.filter(({ info: { layer } }) => layer === "one").map((one) => one.x);
  const widths = blocks.filter(({ info: { layer } }) => layer === "one").map((one) => one.width);
  assert.equal(new Set(lefts).size, 1);
  assert.equal(new Set(widths).size, 1);
});

test("branches stand in rows of their own, and a way around layers keeps clear of them", () => {
  const layout = layoutOf(
    sceneOf([
      ["stem"],
      ["left", "stem"],
      ["right", "stem"],
      ["join", "left", "right"],
      ["end", "join", "stem"],
    ]),
    0,
    SCREEN,
  );
  const [left, right] = [columnOf(layout, "left"), columnOf(layout, "right")];
  assert.equal(left.x, right.x);
  assert.ok(right.top > left.bottom);
  const track = (from, to) =>
    layout.edges.find((edge) => edge.from.name === from && edge.to.name === to).track;
  assert.equal(track("stem", "left"), 0);
  assert.equal(track("right", "join"), 0);
  assert.ok(track("stem", "end") > 0);
});

test("a layout is taken again while nothing that it depends on has changed", () => {
  const scene = sceneOf([["one"], ["two"]]);
  const layout = layoutOf(scene, 0, SCREEN);
  assert.equal(layoutOf(structuredClone(scene), 0, SCREEN, layout), layout);
  assert.notEqual(layoutOf(scene, 0, { width: 500, height: 700 }, layout), layout);
  assert.notEqual(layoutOf(sceneOf([["one"]]), 0, SCREEN, layout), layout);
});

/** What lights up from a cell: the cells of each array with how much. */
function lit(key, at, view = {}) {
  const scene = sceneOf([["one"], ["two"]]);
  const numbers = { "one.W": [1, -4, 0, 2], "input.out": [3, 1] };
  const app = {
    operations: operationsOf(scene).filter(({ phase }) => phase === "forward"),
    pass: {
      scene,
      read: (name, place) =>
        numbers[name]?.[flatIndex(scene.arrays.find((one) => one.key === name).shape, place)] ??
        0.5,
    },
    store: { view: { chosen: { key, at }, light: "contributes", reach: "direct", ...view } },
  };
  const light = lightOf(app);
  const found = Object.fromEntries([...(light ?? [])].map(([name, array]) => [name, [...array]]));
  return { found, way: wayOfLight(app) };
}

test("what contributes lights up, each cell as strongly as its term", () => {
  const { found } = lit("one.out", [0, 1]); // 3 · (−4) + 1 · 2 + 0.5
  const { "one.W": W, "input.out": x, "one.b": b } = found;
  assert.deepEqual([W[0], W[2], b[0]], [0, 0, 0]);
  assert.equal(W[1], 1);
  assert.equal(x[0], 1);
  assert.ok(W[3] < 1 && W[3] > b[1] && b[1] > 0);
  assert.equal(found["two.W"], undefined);
});

test("what is influenced lights up, over one operation or all the way", () => {
  const { found: direct } = lit("one.out", [0, 1], { light: "influences" });
  assert.deepEqual(direct["two.out"], [1, 1]);
  const { found: weight, way } = lit("one.W", [0, 1]);
  assert.equal(way, "influences"); // nothing computes a weight
  assert.deepEqual(weight, { "one.out": [0, 1] });
  const { found: far } = lit("one.W", [0, 1], { reach: "all" });
  assert.deepEqual(far["two.out"], [1, 1]);
});

test("what contributes all the way reaches the inputs", () => {
  const { found } = lit("two.out", [0, 0], { reach: "all" });
  assert.deepEqual(found["input.out"], [1, 1]);
  assert.deepEqual(found["one.W"], [1, 1, 1, 1]);
  assert.deepEqual(found["two.W"], [1, 0, 1, 0]);
});

/** The relative luminance of a colour as WCAG has it, by its parts from 0 to 1. */
const luminance = (parts) =>
  parts
    .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4))
    .reduce((sum, part, k) => sum + part * [0.2126, 0.7152, 0.0722][k], 0);

test("numbers stand out from their cells by 4.5 to 1, whatever lies over the cells", () => {
  const bytes = [0, 16, 43, 80, 120, 150, 180, 210, 255];
  const pixels = bytes.flatMap((r) => bytes.flatMap((g) => bytes.map((b) => [r, g, b])));
  for (const ground of [
    [252, 252, 250],
    [22, 24, 26],
  ])
    for (const veil of [0, 0.3, 0.66])
      for (const pixel of pixels) {
        const [own, over] = [pixel, ground].map(([r, g, b]) => r | (g << 8) | (b << 16));
        const light = luminance(pixel.map((part, k) => (part + (ground[k] - part) * veil) / 255));
        const ink = inkOn(own, over, veil) === "#000000" ? 0 : 1;
        const contrast = (Math.max(light, ink) + 0.05) / (Math.min(light, ink) + 0.05);
        assert.ok(contrast >= 4.5, `${pixel} under ${veil} of ${ground}: ${contrast}`);
      }
});
