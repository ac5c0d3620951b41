import assert from "node:assert/strict";
import { test } from "node:test";
import { lossMoved, whyTheyDiffer } from "../../../src/chainrule/inspector/page/view/nudge.js";

const STEPS = [0.01, 0.001, 0.0001, 0.00001];
/** What a loss L(w) does at a place, beside a gradient. */
const trials = (L, w, gradient) =>
  STEPS.map((epsilon) => ({
    epsilon,
    change: L(w + epsilon) - L(w),
    predicted: gradient * epsilon,
  }));
const why = (L, w, gradient, isBroken = false) =>
  whyTheyDiffer(trials(L, w, gradient), L(w), isBroken);

test("the sentence tells a bend from a kink, a bug, a straight line, and from nothing", () => {
  assert.match(
    why((w) => w ** 2, 0.7, 1.4),
    /shrinks with ε²/,
  );
  assert.match(
    why((w) => Math.exp(w), 3, Math.exp(3)),
    /shrinks with ε²/,
  );
  assert.match(
    why((w) => 1 + Math.max(w, 0), 0, 0),
    /kink/,
  );
  assert.match(
    why((w) => w ** 2, 0.7, 1.1),
    /kink/,
  );
  assert.match(
    why((w) => w ** 2, 0.7, 1.1, true),
    /planted bug/,
  );
  assert.match(
    why((w) => 3 * w + 1, 0.7, 3),
    /straight line/,
  );
  assert.match(
    why(() => 2, 0.7, 0),
    /hardly moves/,
  );
  assert.match(
    why(() => Number.NaN, 0.7, 0),
    /no number/,
  );
});

test("the loss says by how much it moved", () => {
  const { text, sentence } = lossMoved(0.2983, 0.291);
  assert.equal(text, "0.2983 → 0.291, −0.0073");
  assert.equal(sentence, "The loss went down by 0.0073, from 0.2983 to 0.291.");
  assert.equal(lossMoved(1, 1.5).text, "1 → 1.5, +0.5");
  assert.deepEqual(lossMoved(null, 2), { text: "2", sentence: "The loss is 2.", by: 0 });
  assert.equal(lossMoved(0.1 + 0.2, 0.3).text, "0.3"); // no change, but of rounding
  assert.equal(lossMoved(0.3 + 1e-13, 0.3).text.slice(0, 12), "0.3 → 0.3, −");
  assert.equal(lossMoved(2, 2).sentence, "The loss stays 2.");
  assert.equal(lossMoved(2, Number.NaN).text, "2 → NaN");
});
