/** Windows on images, and what the picture shows of them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ndarray } from "../../../src/chainrule/inspector/page/arrays.js";
import { POOL_ENGINES } from "../../../src/chainrule/inspector/page/engine/pooling.js";
import { indexOfLargest } from "../../../src/chainrule/inspector/page/operations/pooling.js";
import { levelsShown, rescaled } from "../../../src/chainrule/inspector/page/view/bitmaps.js";
import { formFor } from "../../../src/chainrule/inspector/page/view/forms.js";
import { litBoxes } from "../../../src/chainrule/inspector/page/view/overlay.js";
import {
  hasPadding,
  indicesIn,
  linesUnder,
  lineUnder,
  positionIn,
  positionsOnImage,
  windowsOnImage,
  windowsOver,
} from "../../../src/chainrule/inspector/page/windows.js";

const range = (length) => Array.from({ length }, (_, k) => k);

function* sides() {
  for (const length of [1, 4, 7])
    for (const size of [1, 2, 3, 5])
      for (const stride of [1, 2, 3])
        for (const before of [0, 1, 4])
          for (const after of [0, before]) {
            const places = Math.floor((length + before + after - size) / stride) + 1;
            if (places > 0) yield { length, size, stride, before, places };
          }
}

test("lines, positions and windows are those of trying every window", () => {
  for (const side of sides()) {
    const on = (line) => line >= 0 && line < side.length;
    const of = range(side.places).map((i) => range(side.size).map((p) => lineUnder(side, i, p)));
    const why = JSON.stringify(side);
    for (const i of range(side.places)) {
      const lines = of[i].filter(on);
      assert.deepEqual(indicesIn(linesUnder(side, i)), lines, why);
      const positions = lines.map((line) => positionIn(side, i, line));
      if (lines.length) assert.deepEqual(indicesIn(positionsOnImage(side, i)), positions, why);
    }
    for (const line of range(side.length)) {
      const over = range(side.places).filter((i) => of[i].includes(line));
      assert.deepEqual(indicesIn(windowsOver(side, line)), over, why);
    }
    for (const p of range(side.size)) {
      const windows = range(side.places).filter((i) => on(of[i][p]));
      assert.deepEqual(indicesIn(windowsOnImage(side, p)), windows, why);
    }
    const whole = { length: 3, size: 3, stride: 1, before: 0, places: 1 };
    assert.equal(
      hasPadding([side, whole]),
      of.flat().some((line) => !on(line)),
      why,
    );
  }
});

const room = { width: 200, height: 200 };
const infoOfMaps = { key: "conv2d_1.z", name: "z", cases: true, shape: [2, 3, 5, 4] };

test("the lit cells of a tile that are not all of it have a frame", () => {
  const form = formFor(infoOfMaps, 1, null, room);
  const light = new Float32Array(2 * 3 * 5 * 4);
  const lit = (n, c, y, x) => {
    light[((n * 3 + c) * 5 + y) * 4 + x] = 0.5;
  };
  for (const y of [1, 2]) for (const x of [1, 2, 3]) lit(1, 2, y, x);
  for (const y of range(5)) for (const x of range(4)) lit(1, 0, y, x);
  lit(0, 1, 0, 0); // another case
  const boxes = litBoxes(form, levelsShown(form, { data: light, scale: 1, largest: 1 }));
  assert.equal(boxes.length, 1);
  const [down, across] = [Math.floor(2 / form.across), 2 % form.across];
  const [x, y] = [across * (form.columns + form.gap) + 1, down * (form.rows + form.gap) + 1];
  assert.deepEqual(boxes[0], { x, y, width: 3, height: 2 });
});

test("pixels are seen in the user's own units, roughly known ones too", () => {
  const scaling = { mean: [10, 20], scale: [2, 4] };
  const exact = { shape: [2, 2], data: Float64Array.of(0, 1, -1, 0.5), scale: 1, largest: 1 };
  assert.deepEqual([...rescaled(exact, scaling).data], [10, 24, 8, 22]);
  const rough = { shape: [1, 2], data: Int8Array.of(127, -128), scale: 1 / 127, largest: 1 };
  const found = rescaled(rough, scaling);
  assert.deepEqual([...found.data], [12, Number.NaN]);
  assert.equal(found.largest, 12);
});

test("of equal numbers the first is the largest, and of what is no number the last", () => {
  const cases = [
    [[1, 3, 3, 2], 1],
    [[-1, -1, -1, -1], 0],
    [[Number.NaN, 5, Number.NaN, 9], 2],
    [[Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY, -7, -8], 2],
    [[Number.POSITIVE_INFINITY, Number.NaN, 1, Number.POSITIVE_INFINITY], 1],
  ];
  const layer = {
    options: { size: [2, 2], stride: [2, 2], padding: [0, 0] },
    input_shape: [1, 2, 2],
    output_shape: [1, 1, 1],
  };
  for (const [numbers, winner] of cases) {
    assert.equal(indexOfLargest(numbers), winner);
    const kept = {};
    const at = { layer, cases: 1, keep: (name, array) => Object.assign(kept, { [name]: array }) };
    const x = ndarray([1, 1, 2, 2], numbers);
    const y = POOL_ENGINES.max_pool2d.forward(at, x);
    assert.equal(kept.winners.data[0], winner);
    assert.ok(Object.is(y.data[0], numbers[winner]));
  }
});
