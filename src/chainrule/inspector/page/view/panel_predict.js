/** @param {import("../main.js").App} app @param {HTMLElement} element */
export function mountPredict(app, element) {
  element.dataset.pass = String(app.store.view.pass);
}
