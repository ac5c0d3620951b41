/** @param {import("../main.js").App} app @param {HTMLElement} element */
export function mountBreak(app, element) {
  element.dataset.pass = String(app.store.view.pass);
}
