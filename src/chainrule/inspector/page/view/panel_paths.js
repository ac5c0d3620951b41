/** @param {import("../main.js").App} app @param {HTMLElement} element */
export function mountPaths(app, element) {
  element.dataset.pass = String(app.store.view.pass);
}
