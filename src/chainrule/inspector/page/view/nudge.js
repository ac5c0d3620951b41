/** A number nudged by ±ε: how the loss really moves, beside gradient × ε, for smaller and smaller ε. */

import { numberIn } from "../csv.js";
import { button, make, tableWith } from "../dom.js";
import { withEdit } from "../history.js";
import { numberText } from "../numbers.js";

/**
 * @typedef {import("../main.js").App} App
 * @typedef {import("./edit.js").Editable} Editable
 * @typedef {{epsilon: number, change: number, predicted: number}} Nudged
 */

/** Whether two losses are the same, but for how their sums were rounded.
 * @param {number} a @param {number} b */
const isSameLoss = (a, b) => Object.is(a, b) || Math.abs(a - b) <= 1e-14 * Math.abs(a);

/** How the loss went from one number to another, as shown and as said; `by` is its change.
 * @param {number | null} before @param {number} after */
export function lossMoved(before, after) {
  const now = numberText(after);
  if (before === null || isSameLoss(before, after)) {
    const sentence = before === null ? `The loss is ${now}.` : `The loss stays ${now}.`;
    return { text: now, sentence, by: 0 };
  }
  const by = after - before;
  if (!Number.isFinite(by)) {
    return { text: `${numberText(before)} → ${now}`, sentence: `The loss is ${now}.`, by: 0 };
  }
  const way = by < 0 ? "down" : "up";
  const size = numberText(Math.abs(by));
  return {
    text: `${numberText(before)} → ${now}, ${by < 0 ? "−" : "+"}${size}`,
    sentence: `The loss went ${way} by ${size}, from ${numberText(before)} to ${now}.`,
    by,
  };
}

/** Why ΔL differs from gradient × ε, from the trials with a smaller and smaller ε.
 * @param {Nudged[]} trials @param {number} loss @param {boolean} isBroken whether a bug is planted
 * @returns {string} */
export function whyTheyDiffer(trials, loss, isBroken) {
  const known = trials.filter(({ change, predicted }) => {
    const digits = Math.max(Math.abs(change), Math.abs(predicted)) / (Math.abs(loss) || 1);
    return digits > 1e-11; // below, ΔL is made of the last digits of L, which are rounded
  });
  if (trials.every(({ change }) => !Number.isFinite(change)))
    return "The loss is no number there.";
  if (!known.length)
    return "The loss hardly moves with it: no path leads from here to the loss, or both sides are rounding errors.";
  const share = (/** @type {Nudged} */ { change, predicted }) =>
    Math.abs(change - predicted) / Math.max(Math.abs(change), Math.abs(predicted));
  const [first, last] = [share(known[0]), share(known[known.length - 1])];
  if (first < 1e-6) return "They agree: here the loss is a straight line to the digits shown.";
  if (last < first / 5 || last < 1e-4) {
    return "They differ because the slope changes on the way. The error shrinks with ε², so that a tenth of ε leaves a hundredth of it.";
  }
  if (isBroken)
    return "The error does not shrink with ε: the planted bug makes this gradient wrong.";
  return "The error does not shrink with ε as it should: the loss has a kink here (a relu, a maximum or an |x| at its corner), or the gradient is cut short.";
}

/** Move the number by ε and by its tenths, and pass again.
 * @param {App} app @param {Editable} one @param {number} epsilon @returns {Promise<Nudged[]>} */
async function nudgedBy(app, one, epsilon) {
  const { edits, bugs, frame, alone, case_ } = app.store.view;
  const { pass } = app;
  const gradient = /** @type {NonNullable<Editable["gradient"]>} */ (one.gradient);
  await pass.need([{ key: gradient.key, region: gradient.at }]);
  const slope = pass.read(gradient.key, gradient.at) ?? Number.NaN;
  const found = [];
  for (const size of [epsilon, epsilon / 10, epsilon / 100, epsilon / 1000]) {
    const moved = withEdit(edits, one.edit(one.value + size));
    const after = await app.source.pass({ edits: moved, bugs, frame, only: alone ? case_ : null });
    found.push({ epsilon: size, change: after.loss - pass.loss, predicted: slope * size });
  }
  return found;
}

/** @param {Nudged[]} trials @returns {HTMLElement} */
function trialTable(trials) {
  const cells = (/** @type {Nudged} */ { epsilon, change, predicted }) => [
    epsilon,
    change,
    predicted,
    change - predicted,
  ];
  const heads = ["ε", "ΔL", "gradient × ε", "error"];
  const rows = trials.map((trial) =>
    make("tr", {}, ...cells(trial).map((value) => make("td", { text: numberText(value) }))),
  );
  const text = "ΔL: how the loss really moves; gradient × ε: how it should";
  return tableWith("", heads, rows, make("caption", { text }));
}

/** The nudge of a number that can be edited.
 * @param {App} app @param {HTMLElement} element @param {() => Editable | null} current
 * @returns {() => void} shows it anew */
export function mountNudge(app, element, current) {
  const epsilon = make("input", {
    type: "text",
    inputmode: "decimal",
    value: "0.01",
    size: 6,
    "aria-label": "ε, by which it is nudged",
    on: { change: () => show() },
  });
  const result = make("div", { class: "trials", "aria-live": "polite" });
  const apply = (/** @type {number} */ sign) => {
    const one = current();
    if (one) app.history.edit([one.edit(one.value + sign * size())]);
  };
  const size = () => numberIn(epsilon.value);
  const plus = button("+ε", "Make the number larger by ε", () => apply(1));
  const minus = button("−ε", "Make it smaller by ε", () => apply(-1));
  let asked = 0;
  const show = async () => {
    const one = current();
    const mine = ++asked;
    if (element.hidden || !one?.gradient) return result.replaceChildren();
    if (!Number.isFinite(size()) || size() === 0) {
      return result.replaceChildren(
        make("p", { class: "wrong", text: "ε is a number other than 0." }),
      );
    }
    await new Promise((done) => setTimeout(done, 50)); // the picture is drawn first
    if (mine !== asked) return;
    const { loss } = app.pass;
    const trials = await nudgedBy(app, one, size()).catch(() => []);
    if (mine !== asked || !trials.length) return;
    const why = whyTheyDiffer(trials, loss, app.store.view.bugs.length > 0);
    result.replaceChildren(trialTable(trials), make("p", { text: why }));
  };
  const controls = make("p", {}, make("label", {}, "ε ", epsilon), " ", plus, " ", minus);
  element.append(controls, result);
  return show;
}
