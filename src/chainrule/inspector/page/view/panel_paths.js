/** Every path of one number to the loss, with the product along each and the sum of them. */

import { make, refill } from "../dom.js";
import { choose, tellingPlace } from "../going.js";
import { formula } from "../math.js";
import { nameText } from "../names.js";
import { numberText } from "../numbers.js";
import { pathsOf } from "../paths.js";
import { withNumbers } from "../rules.js";
import { infoOf } from "../scene.js";
import { bar, cellButton, cellMath } from "./cell_parts.js";

/**
 * @typedef {import("../main.js").App} App
 * @typedef {import("../store.js").ChosenCell} ChosenCell
 * @typedef {import("../paths.js").Path} Path
 * @typedef {import("../paths.js").Paths} Paths
 * @typedef {import("../rules.js").Read} Read
 */

/** @param {App} app @param {HTMLElement} element */
export function mountPaths(app, element) {
  let wanted = 0;
  app.store.watch(["mode", "chosen", "pass", "case_"], async ({ mode, chosen, trails }) => {
    if (mode !== "path") {
      if (trails.length) app.store.set({ trails: [] });
      return;
    }
    const from = followedFrom(app, chosen);
    if (!from) {
      element.replaceChildren(
        make("p", { text: "This network has no weights that are trained." }),
      );
      return;
    }
    if (from.key !== chosen?.key) return choose(app, from);
    const mine = ++wanted;
    const { scene } = app.pass;
    const { operations } = app;
    const shown = app.store.view.alone ? 0 : app.store.view.case_;
    const found = await withNumbers(app.pass, (read) => ({
      paths: pathsOf({ scene, operations, read }, from, shown),
      gradient: recordedGradient(app, from, read),
      penalty: penaltyOf(app, from, read),
    }));
    if (mine !== wanted || app.store.view.mode !== "path") return;
    drawPaths(app, element, from, found);
  });
}

/** The number whose paths are shown: the one chosen, or that of the gradient chosen, or the weight
 * that moves the loss most.
 * @param {App} app @param {ChosenCell | null} chosen @returns {ChosenCell | null} */
function followedFrom(app, chosen) {
  const { scene } = app.pass;
  if (chosen) {
    const role = infoOf(scene, chosen.key)?.role;
    const isOutput = chosen.key === `${scene.output}.out` || chosen.key.startsWith("loss.");
    if ((role === "parameter" || role === "value") && !isOutput) return chosen;
    const key = chosen.key.replace(/_(grad|new)$/, "");
    if (infoOf(scene, key)?.role === "parameter") return { key, at: chosen.at };
  }
  for (const { name, parameters } of scene.layers)
    for (const { name: own, trained } of parameters)
      if (trained && own.startsWith("W"))
        return { key: `${name}.${own}`, at: tellingPlace(app, `${name}.${own}_grad`) };
  return null;
}

/** The recorded gradient of a number; null where there is none of its own.
 * @param {App} app @param {ChosenCell} from @param {Read} read @returns {ChosenCell & {value: number} | null} */
function recordedGradient(app, { key, at }, read) {
  const own = [`${key}_grad`, key.replace(/\.out$/, ".J"), key.replace(/\.z$/, ".delta")].find(
    (one) => one !== key && infoOf(app.pass.scene, one),
  );
  return own ? { key: own, at, value: read(own, at) } : null;
}

/** What the penalties add to a parameter's gradient.
 * @param {App} app @param {ChosenCell} from @param {Read} read @returns {number} */
function penaltyOf(app, { key, at }, read) {
  const info = infoOf(app.pass.scene, key);
  const layer = app.pass.scene.layers.find((one) => one.name === info?.layer);
  const { L1 = 0, L2 = 0 } =
    layer?.parameters.find((one) => one.name === info?.name)?.penalty ?? {};
  if (!L1 && !L2) return 0;
  const value = read(key, at);
  return L2 * value + L1 * Math.sign(value);
}

/**
 * @typedef {Object} Found
 * @property {Paths | null} paths
 * @property {ChosenCell & {value: number} | null} gradient
 * @property {number} penalty
 */

/** @param {App} app @param {HTMLElement} element @param {ChosenCell} from @param {Found} found */
function drawPaths(app, element, from, found) {
  const ownCase = infoOf(app.pass.scene, from.key)?.cases ? from.at[0] : null;
  const title = make("h2", {}, "How ", formula(cellMath(app, from, ownCase)), " moves the loss");
  const { paths } = found;
  if (!paths) {
    const text = "There are too many cells on the way to follow them all here.";
    element.replaceChildren(title, make("p", { class: "says", text }));
    app.store.set({ trails: [] });
    return;
  }
  const says = make("p", {
    class: "says",
    text:
      "A path leads from one cell to the next, each time with the slope by which the one moves the" +
      " other. The product of the slopes is what the number does to the loss that way; all paths together are" +
      " its gradient.",
  });
  const largest = Math.max(...paths.paths.map(({ product }) => Math.abs(product)), 0);
  const all = paths.paths.map(({ cells, product }) => ({
    cells,
    share: largest ? product / largest : 0,
  }));
  const rows = paths.paths.map((path, k) => pathRow(app, path, largest, all, k));
  const list = make("ol", { class: "paths" }, ...rows);
  refill(element, [title, says, list, sums(app, from, found)]);
  app.store.set({ trails: all });
}

/** A path: its cells with the slope on each arrow, the product and a bar.
 * @param {App} app @param {Path} path @param {number} largest
 * @param {import("../store.js").Trail[]} trails @param {number} k @returns {HTMLElement} */
function pathRow(app, { cells, factors, product }, largest, trails, k) {
  const { scene } = app.pass;
  const cases = new Set(
    cells.filter(({ key }) => infoOf(scene, key)?.cases).map(({ at }) => at[0]),
  );
  const [own] = cases.size === 1 ? cases : [null];
  const many = infoOf(scene, "input.out")?.shape[0] ?? 1;
  const of = own !== null && many > 1 ? `, in case ${own + 1}` : "";
  const steps = cells.flatMap((one, n) => [
    cellButton(app, one, own),
    make(
      "span",
      { class: "arrow" },
      make("span", { class: "slope", text: `· ${numberText(factors[n], 3)}` }),
      make("span", { class: "to", text: "→", "aria-hidden": "true" }),
    ),
  ]);
  const row = make(
    "li",
    {},
    make("div", { class: "path" }, ...steps, make("i", { text: "L" })),
    make(
      "div",
      { class: "product" },
      make("span", { class: "number", text: `= ${numberText(product)}${of}` }),
      bar(product, largest),
    ),
  );
  row.addEventListener("pointerenter", () => app.store.set({ trails: [trails[k]] }));
  row.addEventListener("pointerleave", () => app.store.set({ trails }));
  row.addEventListener("focusin", () => app.store.set({ trails: [trails[k]] }));
  row.addEventListener("focusout", () => app.store.set({ trails }));
  return row;
}

/** The sum of the paths, held against the gradient of the backward pass.
 * @param {App} app @param {ChosenCell} from @param {Found} found @returns {HTMLElement} */
function sums(app, from, { paths, gradient, penalty }) {
  const { paths: listed, count, total, only } = /** @type {Paths} */ (paths);
  const sum = listed.reduce((all, { product }) => all + product, 0);
  const others = count - listed.length;
  const value = total + penalty;
  /** @type {[string, number][]} */
  const lines = [[listed.length === 1 ? "The one path" : `The ${listed.length} paths above`, sum]];
  if (others) lines.push([`${others.toLocaleString("en")} other paths`, total - sum]);
  if (only !== null && gradient)
    lines.push(["Paths through the other cases", gradient.value - value]);
  if (penalty) lines.push(["The penalty", penalty]);
  const whole = only !== null && gradient ? gradient.value : value;
  const rows = lines.map(([text, number]) =>
    make(
      "tr",
      {},
      make("th", { scope: "row", text }),
      make("td", { class: "number", text: numberText(number) }),
    ),
  );
  const name = gradient ? nameText(app.pass.scene, gradient.key, gradient.at, from.at[0]) : "Sum";
  rows.push(
    make(
      "tr",
      { class: "result" },
      make("th", { scope: "row", text: name }),
      make("td", { class: "number", text: numberText(whole) }),
    ),
  );
  const table = make("table", { class: "terms sums" }, make("tbody", {}, ...rows));
  const isKnown = gradient && Number.isFinite(value - gradient.value);
  const verdict = only === null && isKnown ? verdictOf(value, gradient.value) : null;
  return make("div", {}, table, verdict);
}

/** Whether the backward pass found the same.
 * @param {number} value the sum over the paths @param {number} gradient @returns {HTMLElement} */
function verdictOf(value, gradient) {
  const error = Math.abs(value - gradient) / Math.max(1e-9, Math.abs(value), Math.abs(gradient));
  return error < 1e-6
    ? make("p", { class: "right", text: "The backward pass found the same number." })
    : make("p", {
        class: "wrong",
        text: `The backward pass found ${numberText(gradient)}: not the sum of the paths.`,
      });
}
