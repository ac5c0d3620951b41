/** Which numbers a planted bug turns wrong: the pass with it beside the pass without. */

/**
 * @typedef {import("./main.js").App} App
 * @typedef {import("./source.js").Pass} Pass
 */

/** The keys of the arrays that differ between two passes.
 * @param {Pass} pass @param {Pass} right @returns {string[]} */
export function differingKeys(pass, right) {
  return pass.scene.arrays.map(({ key }) => key).filter((key) => differs(pass, right, key));
}

/** Whether an array differs: some number by more than what rough numbers are rough.
 * @param {Pass} pass @param {Pass} right @param {string} key @returns {boolean} */
function differs(pass, right, key) {
  if (!right.scene.arrays.some((one) => one.key === key)) return false;
  const [a, b] = [pass.levels(key), right.levels(key)];
  const size = Math.max(a.largest, b.largest);
  if (Math.abs(a.largest - b.largest) > 1e-9 * size) return true;
  const isRough = a.data instanceof Int8Array || b.data instanceof Int8Array;
  const most = isRough ? 0.51 * (a.scale + b.scale) : 1e-9 * size;
  for (let k = 0; k < a.data.length; k++) {
    const [one, other] = [a.data[k] * a.scale, b.data[k] * b.scale];
    if (Number.isNaN(one) !== Number.isNaN(other)) return true;
    if (Math.abs(one - other) > most) return true;
  }
  return false;
}

/** The index of the first operation whose result is wrong; −1 if none is.
 * @param {App} app @returns {number} */
export function firstWrong(app) {
  const wrong = new Set(app.store.view.wrong);
  return app.operations.findIndex(({ target }) => wrong.has(target));
}
