/** The stepper: all operations in phases and layers, and how one goes from one to the next. */

import { afterFrame, button, make, wantsStillness } from "../dom.js";
import { goTo } from "../going.js";
import { arrayName } from "../names.js";

/**
 * @typedef {import("../main.js").App} App
 * @typedef {import("../operations/operations.js").Operation} Operation
 */

/** @type {[Operation["phase"], string][]} */
const PHASES = [
  ["forward", "Forward"],
  ["backward", "Backward"],
  ["gradients", "Gradients"],
  ["update", "Update"],
];

/** The name of a phase. @param {Operation["phase"]} phase @returns {string} */
export const phaseName = (phase) => PHASES.find(([one]) => one === phase)?.[1] ?? phase;

const SECONDS_OF_A_STEP = 3;

/** @param {App} app @param {HTMLElement} element */
export function mountStrip(app, element) {
  const groups = make("div", { class: "phases" });
  const count = make("span", { class: "count" });
  const step = (/** @type {number} */ by) => goTo(app, app.store.view.operation + by);
  const back = button("←", "The operation before (← or p)", () => step(-1));
  const next = button("→", "The next operation (→ or n)", () => step(1));
  back.setAttribute("aria-label", "Operation before");
  next.setAttribute("aria-label", "Next operation");
  element.append(make("div", { class: "controls" }, back, count, next, playButton(app)), groups);
  bindSteps(app, step);
  const follow = afterFrame(() => {
    const current = groups.querySelector("[aria-current]");
    if (current) scrollInside(groups, current);
  });
  /** @type {Operation[] | null} */
  let drawn = null;
  app.store.watch(["operation", "pass", "wrong"], ({ operation, wrong }) => {
    if (drawn !== app.operations) {
      drawn = app.operations;
      groups.replaceChildren(...phaseGroups(app));
    }
    count.textContent =
      operation < 0 ? "whole pass" : `${operation + 1} / ${app.operations.length}`;
    back.disabled = operation < 0;
    next.disabled = operation >= app.operations.length - 1;
    markCurrent(groups, operation);
    follow();
    for (const one of groups.querySelectorAll("button"))
      one.classList.toggle(
        "is-wrong",
        wrong.includes(app.operations[Number(one.dataset.index)].target),
      );
  });
}

/** @param {App} app @param {(by: number) => void} step */
function bindSteps(app, step) {
  const group = "Steps";
  const { keys } = app;
  keys.bind({ keys: ["ArrowRight", "n"], group, says: "the next operation", run: () => step(1) });
  keys.bind({
    keys: ["ArrowLeft", "p"],
    group,
    says: "the operation before",
    run: () => step(-1),
  });
  keys.bind({ keys: ["Home"], group, says: "the whole pass", run: () => goTo(app, -1) });
  keys.bind({
    keys: ["End"],
    group,
    says: "the last operation",
    run: () => goTo(app, app.operations.length - 1),
  });
  for (const [k, [phase, name]] of PHASES.entries())
    keys.bind({
      keys: [String(k + 1)],
      group,
      says: `to the phase: ${name.toLowerCase()}`,
      run: () => {
        const first = app.operations.findIndex((one) => one.phase === phase);
        if (first >= 0) goTo(app, first);
      },
    });
}

/** The operations as buttons, those of a phase together and those of a layer closer together.
 * @param {App} app @returns {HTMLElement[]} */
function phaseGroups(app) {
  const { operations, pass } = app;
  return PHASES.flatMap(([phase, name]) => {
    const own = operations.map((one, k) => ({ one, k })).filter(({ one }) => one.phase === phase);
    if (!own.length) return [];
    const buttons = own.map(({ one, k }, n) => {
      const layer = pass.scene.layers.find((each) => each.name === one.layer);
      const where = layer ? `layer ${layer.number}, ${layer.name}` : one.layer;
      const text = arrayName(pass.scene, one.target).replace(" new", ""); // the phase says so
      const made = button(text, `${one.title} (${where})`, () => goTo(app, k));
      made.dataset.index = String(k);
      made.setAttribute("aria-label", `${one.title}, ${where}`);
      if (own[n + 1] && own[n + 1].one.layer !== one.layer) made.className = "last-of-layer";
      return made;
    });
    const list = make("div", { class: "operations" }, ...buttons);
    const title = make("span", { class: "phase", text: name, "aria-hidden": "true" });
    return [make("div", { class: "group", role: "group", "aria-label": name }, title, list)];
  });
}

/** Mark the operation in progress; Tab reaches it alone, the keys of steps lead to the others.
 * @param {HTMLElement} groups @param {number} operation */
function markCurrent(groups, operation) {
  for (const one of groups.querySelectorAll("button")) {
    const current = one.dataset.index === String(operation);
    one.tabIndex = one.dataset.index === String(Math.max(0, operation)) ? 0 : -1;
    if (!current) {
      one.removeAttribute("aria-current");
      continue;
    }
    one.setAttribute("aria-current", "step");
    if (groups.contains(document.activeElement)) one.focus({ preventScroll: true });
  }
}

/** Bring an element into view within what scrolls it, without moving the page.
 * @param {HTMLElement} outer @param {Element} one */
function scrollInside(outer, one) {
  const [frame, box] = [outer.getBoundingClientRect(), one.getBoundingClientRect()];
  if (box.left < frame.left || box.right > frame.right)
    outer.scrollLeft += box.left - frame.left - frame.width / 3;
  if (box.top < frame.top || box.bottom > frame.bottom)
    outer.scrollTop += box.top - frame.top - frame.height / 3;
}

/** The button that goes on by itself, slowly; not where less motion is asked for.
 * @param {App} app @returns {HTMLElement} */
function playButton(app) {
  let timer = 0;
  const stop = () => {
    clearInterval(timer);
    timer = 0;
    show();
  };
  const tick = () => {
    const { operation, mode } = app.store.view;
    if (operation >= app.operations.length - 1 || mode === "predict") stop();
    else goTo(app, operation + 1);
  };
  const toggle = () => {
    if (timer) return stop();
    if (wantsStillness()) return;
    if (app.store.view.operation >= app.operations.length - 1) goTo(app, 0);
    timer = window.setInterval(tick, SECONDS_OF_A_STEP * 1000);
    show();
  };
  const made = button("Play", "", toggle);
  const show = () => {
    made.textContent = timer ? "Pause" : "Play";
    made.title = wantsStillness()
      ? "Off, because the system asks for less motion"
      : `Go on by itself, every ${SECONDS_OF_A_STEP} seconds (a)`;
    made.disabled = wantsStillness();
  };
  show();
  app.keys.bind({ keys: ["a"], group: "Steps", says: "play or pause", run: toggle });
  return made;
}
