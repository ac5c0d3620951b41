/** What is not shown while the user predicts: the cells asked, and all that is computed later. */

/**
 * @typedef {import("./main.js").App} App
 * @typedef {import("./arrays.js").Place} Place
 */

/** How much of an array is not shown.
 * @param {App} app @param {string} key @returns {"none" | "some" | "all"} */
export function hides(app, key) {
  const { mode, operation, hidden } = app.store.view;
  if (mode !== "predict") return "none";
  if (hidden.some((one) => one.key === key)) return "some";
  return app.operations.findIndex((one) => one.target === key) > operation ? "all" : "none";
}

/** Whether a cell's number is not shown.
 * @param {App} app @param {string} key @param {Place} at @returns {boolean} */
export function isHidden(app, key, at) {
  const how = hides(app, key);
  if (how !== "some") return how === "all";
  return app.store.view.hidden.some(
    (one) => one.key === key && one.at.every((index, axis) => index === at[axis]),
  );
}
