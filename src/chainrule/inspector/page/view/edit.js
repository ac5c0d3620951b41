/** The bar in which the chosen number, the class of a target, and the activation of a layer are
 * changed; everything follows at once. */

import { numberIn } from "../csv.js";
import { button, make, say } from "../dom.js";
import { ACTIVATION_OPTIONS, keepsActivation } from "../edited.js";
import { nameText, userName } from "../names.js";
import { numberText } from "../numbers.js";
import { infoOf } from "../scene.js";
import { mountNudge } from "./nudge.js";

/**
 * @typedef {import("../main.js").App} App
 * @typedef {import("../arrays.js").Place} Place
 * @typedef {import("../store.js").Edit} Edit
 * @typedef {import("../store.js").ChosenCell} ChosenCell
 *
 * @typedef {Object} Editable  the number in the bar
 * @property {string} key the array that it is in
 * @property {Place} at its place in the pass
 * @property {number} value
 * @property {(value: number) => Edit} edit that puts a number in its place
 * @property {ChosenCell | null} gradient where the derivative of the loss by it stands
 * @property {{mean: number, scale: number} | null} unit by which it was scaled
 */

/** The number that a chosen cell stands for and that can be edited: a parameter (also by its gradient
 * or its new value), an input, or a target; null for others.
 * @param {App} app @param {ChosenCell | null} chosen @returns {Omit<Editable, "value"> | null} */
export function editableAt(app, chosen) {
  const { scene } = app.pass;
  const info = chosen && infoOf(scene, chosen.key);
  if (!chosen || !info) return null;
  const { at } = chosen;
  const { alone, case_ } = app.store.view;
  const place = info.cases ? [alone ? case_ : at[0], ...at.slice(1)] : at;
  const base = chosen.key.replace(/_(grad|new)$/, "");
  if (infoOf(scene, base)?.role === "parameter") {
    const gradient = infoOf(scene, `${base}_grad`) ? { key: `${base}_grad`, at } : null;
    const edit = (/** @type {number} */ value) =>
      /** @type {Edit} */ ({ kind: "parameter", key: base, at, value });
    return { key: base, at, edit, gradient, unit: null };
  }
  const kind = { "input.out": "input", "input.J": "input", "loss.t": "target" }[chosen.key];
  if (!kind) return null;
  return {
    key: kind === "input" ? "input.out" : "loss.t",
    at,
    edit: (value) => /** @type {Edit} */ ({ kind, at: place, value }),
    gradient: kind === "input" ? { key: "input.J", at } : null,
    unit: unitAt(app, kind === "input" ? "inputs" : "targets", info.shape, at),
  };
}

/** The scaling of one number of a case.
 * @param {App} app @param {"inputs" | "targets"} of @param {number[]} shape @param {Place} at */
function unitAt(app, of, shape, at) {
  const scaling = app.source.scene.scaling[of];
  if (!scaling) return null;
  let index = 0;
  for (let axis = 1; axis < shape.length; axis++) index = index * shape[axis] + at[axis];
  const k = index % scaling.mean.length;
  return { mean: scaling.mean[k], scale: scaling.scale[k] };
}

/** A sensible step: a tenth of the power of ten of the array's largest number.
 * @param {number} largest */
export const stepFor = (largest) =>
  largest > 0 ? 10 ** (Math.floor(Math.log10(largest)) - 1) : 0.1;

/** @param {App} app @param {HTMLElement} bar */
export function mountEdit(app, bar) {
  const name = make("span", { class: "what" });
  const was = make("span", { class: "was" });
  const field = numberField(
    app,
    "Value",
    () => editable,
    (value) => value,
    (value) => value,
  );
  const unit = numberField(
    app,
    "Value in your unit",
    () => editable,
    (value) => value * (editable?.unit?.scale ?? 1) + (editable?.unit?.mean ?? 0),
    (value) => (value - (editable?.unit?.mean ?? 0)) / (editable?.unit?.scale ?? 1),
  );
  const inUnit = make("label", { class: "unit" }, "= ", unit.element, " in your unit");
  const problem = make("span", { class: "wrong", role: "alert", id: "edit-problem" });
  const classes = classChoice(app);
  const activation = activationChoice(app);
  const nudge = make("div", { class: "nudge", id: "nudge", hidden: true });
  const nudgeButton = button(
    "Nudge",
    "How the loss really moves, beside gradient × ε (d)",
    () => toggle(),
    {
      "aria-expanded": "false",
      "aria-controls": "nudge",
    },
  );
  /** @type {Editable | null} */
  let editable = null;
  const showNudge = mountNudge(app, nudge, () => editable);
  const toggle = () => {
    nudge.hidden = !nudge.hidden;
    nudgeButton.setAttribute("aria-expanded", String(!nudge.hidden));
    showNudge();
  };
  for (const one of [field, unit]) one.problem = problem;
  const group = "Cases and changes";
  app.keys.bind({ keys: ["e"], group, says: "edit the chosen number", run: () => field.focus() });
  app.keys.bind({
    keys: ["d"],
    group,
    says: "nudge the chosen number",
    run: () => nudgeButton.click(),
  });
  const show = async () => {
    const { chosen } = app.store.view;
    const { pass } = app;
    const found = editableAt(app, chosen);
    if (found) await pass.need([{ key: found.key, region: found.at }]);
    if (pass !== app.pass || chosen !== app.store.view.chosen) return;
    const value = found ? pass.read(found.key, found.at) : undefined;
    const isMissing =
      Number.isNaN(value) && found?.key !== undefined && !isOfParameter(app, found);
    editable = found && value !== undefined && !isMissing ? { ...found, value } : null;
    name.textContent = editable
      ? editedName(app, editable)
      : isMissing
        ? MISSING_NUMBER
        : NONE_TO_EDIT;
    nudgeButton.hidden = !editable?.gradient;
    was.textContent = editable ? wasBefore(app, editable) : "";
    field.show();
    unit.show();
    showNudge();
    inUnit.hidden = !editable?.unit;
    field.element.hidden = !editable || (await classes.show(editable));
    activation.show();
  };
  bar.append(
    make(
      "div",
      { class: "fields" },
      name,
      field.element,
      was,
      inUnit,
      classes.element,
      nudgeButton,
      activation.element,
      problem,
    ),
    nudge,
  );
  app.store.watch(["pass", "chosen", "operation", "alone", "case_"], show);
  app.store.watch(["refused"], ({ refused }) => {
    problem.textContent = refused;
  });
}

const NONE_TO_EDIT = "Choose a weight, an input or a target to change it.";
const MISSING_NUMBER =
  "There is no number here: the sequence has ended, or the step has no target.";

/** @param {App} app @param {{key: string}} one */
const isOfParameter = (app, { key }) => infoOf(app.pass.scene, key)?.role === "parameter";

/** What the number is called, here and in the reader's data.
 * @param {App} app @param {Editable} one */
function editedName(app, { key, at }) {
  const { scene } = app.pass;
  const own = userName(scene, key, at);
  const { alone, case_ } = app.store.view;
  return `${nameText(scene, key, at, alone ? 0 : case_)}${own ? ` ${own}` : ""}`;
}

/** What the number was before the last change, where that was another.
 * @param {App} app @param {Editable} one */
function wasBefore({ before }, { key, at, value }) {
  const old = before?.read(key, at);
  return old === undefined || old === value ? "" : `was ${numberText(old)}`;
}

/** A field for a number, which is also changed by arrows, by the wheel, and by dragging.
 * @param {App} app @param {string} label @param {() => Editable | null} current
 * @param {(value: number) => number} toShown @param {(shown: number) => number} fromShown */
function numberField(app, label, current, toShown, fromShown) {
  let strokes = 0;
  let timer = 0;
  const element = make("input", {
    type: "text",
    inputmode: "decimal",
    class: "number",
    size: 10,
    autocomplete: "off",
    "aria-label": label,
    "aria-describedby": "edit-problem",
    title:
      "Type a number and press Enter; arrow keys, the wheel and dragging change it by steps (e)",
  });
  /** @type {{element: HTMLInputElement, problem: HTMLElement | null, show: () => void, focus: () => void}} */
  const field = { element, problem: null, show, focus };
  function show() {
    const one = current();
    element.hidden = !one;
    if (one) element.value = fieldText(toShown(one.value));
    complain("");
  }
  function focus() {
    if (element.hidden) say("Choose a weight, an input or a target first.");
    element.focus();
    element.select();
  }
  function complain(/** @type {string} */ text) {
    element.toggleAttribute("aria-invalid", text !== "");
    if (field.problem) field.problem.textContent = text;
  }
  function enter() {
    const one = current();
    const shown = numberIn(element.value);
    if (!one || element.value === fieldText(toShown(one.value))) return;
    if (!Number.isFinite(shown))
      return complain(`“${element.value}” is no number, such as −0.5 or 2e−3.`);
    complain("");
    app.history.edit([one.edit(fromShown(shown))]);
  }
  /** @param {number} steps */
  function move(steps) {
    const one = current();
    if (!one) return;
    clearTimeout(timer);
    timer = setTimeout(() => strokes++, 1000);
    const step = stepFor(app.pass.levels(one.key).largest) * steps;
    const value = one.value + step;
    const rounded = Number(value.toPrecision(12));
    one.value = rounded;
    element.value = fieldText(toShown(rounded));
    app.history.edit([one.edit(rounded)], `${label} ${strokes}`);
  }
  listenToSteps(app, element, enter, show, move, () => strokes++);
  return field;
}

/** @param {number} value */
const fieldText = (value) =>
  String(Number(value.toPrecision(8)))
    .replace("-", "−")
    .replace("e−", "e−");

/** What changes a number without typing it.
 * @param {App} app @param {HTMLInputElement} element @param {() => void} enter
 * @param {() => void} show @param {(steps: number) => void} move @param {() => void} rest */
function listenToSteps(app, element, enter, show, move, rest) {
  const times = (/** @type {{shiftKey: boolean, altKey: boolean}} */ { shiftKey, altKey }) =>
    shiftKey ? 10 : altKey ? 0.1 : 1;
  let from = 0;
  let typed = false;
  element.addEventListener("input", () => {
    typed = true;
  });
  element.addEventListener("change", enter);
  element.addEventListener("keydown", (event) => {
    const { key } = event;
    if (key === "Enter") enter();
    else if (key === "Escape") {
      show();
      element.blur();
    } else if (key === "ArrowUp" || key === "ArrowDown")
      move(times(event) * (key === "ArrowUp" ? 1 : -1));
    else if ((event.ctrlKey || event.metaKey) && /^[zy]$/i.test(key) && !typed) {
      if (/z/i.test(key) && !event.shiftKey) app.history.undo();
      else app.history.redo();
    } else return;
    typed = false;
    event.preventDefault();
  });
  element.addEventListener(
    "wheel",
    (event) => {
      if (document.activeElement !== element) return;
      event.preventDefault();
      move(event.deltaY < 0 ? times(event) : -times(event));
    },
    { passive: false },
  );
  element.addEventListener("pointerdown", (event) => {
    from = event.clientX;
    rest();
    element.setPointerCapture(event.pointerId);
  });
  element.addEventListener("pointermove", (event) => {
    if (!element.hasPointerCapture(event.pointerId)) return;
    const steps = Math.trunc((event.clientX - from) / 4);
    if (!steps) return;
    from += steps * 4;
    move(steps * times(event));
  });
  element.addEventListener("lostpointercapture", rest);
}

/** The choice of the class of a target, where its row is one of classes.
 * @param {App} app */
function classChoice(app) {
  const list = make("select", { "aria-label": "Class", title: "The class that should come out" });
  const element = make("label", { class: "unit", hidden: true }, "class ", list);
  /** @type {Editable | null} */
  let current = null;
  list.addEventListener("change", () => {
    if (!current) return;
    const at = current.at.slice(0, -1);
    const { alone, case_ } = app.store.view;
    const place = [alone ? case_ : at[0], ...at.slice(1)];
    app.history.edit(
      Array.from(list.options, (_, k) => ({
        kind: "target",
        at: [...place, k],
        value: Number(k === list.selectedIndex),
      })),
    );
  });
  const show = async (/** @type {Editable | null} */ one) => {
    const { scene } = app.pass;
    const width = infoOf(scene, "loss.t")?.shape.at(-1) ?? 0;
    current =
      one?.key === "loss.t" && ["cross_entropy", "hinge"].includes(scene.loss.type) ? one : null;
    element.hidden = !current;
    if (!current) return false;
    const row = current.at.slice(0, -1);
    await app.pass.need([{ key: "loss.t", region: [...row, null] }]);
    const words = scene.names.classes ?? scene.names.outputs;
    const options = Array.from({ length: width }, (_, k) =>
      make("option", { text: words?.[k] ?? String(k) }),
    );
    list.replaceChildren(...options);
    const values = options.map((_, k) => app.pass.read("loss.t", [...row, k]) ?? 0);
    list.selectedIndex = values.indexOf(Math.max(...values));
    return true;
  };
  return { element, show };
}

/** The choice of the activation of the layer in progress, or of the chosen cell.
 * @param {App} app */
function activationChoice(app) {
  const list = make(
    "select",
    {},
    ...Object.keys(ACTIVATION_OPTIONS).map((text) => make("option", { text })),
  );
  const label = make("span", { id: "activation-of" });
  list.setAttribute("aria-labelledby", "activation-of");
  const element = make("label", { class: "unit" }, label, " ", list);
  let layer = "";
  list.addEventListener("change", () => {
    app.history.edit([{ kind: "activation", layer, value: list.value }]);
  });
  const show = () => {
    const { chosen, operation } = app.store.view;
    const { scene } = app.pass;
    const names = [chosen && infoOf(scene, chosen.key)?.layer, app.operations[operation]?.layer];
    const layers = names.map((name) => scene.layers.find((one) => one.name === name));
    const found = layers.find((one) => one?.activation);
    element.hidden = !found?.activation;
    if (!found?.activation) return;
    const reason = keepsActivation(scene, found);
    layer = found.name;
    label.textContent = `activation of ${layer}`;
    list.value = found.activation.type;
    list.disabled = reason !== null;
    element.title = reason ?? "Another activation of this layer";
  };
  return { element, show };
}
