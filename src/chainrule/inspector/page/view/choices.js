/** The choice of the class of a target, and of the activation of a layer. */

import { make } from "../dom.js";
import { ACTIVATION_OPTIONS, keepsActivation } from "../edited.js";
import { infoOf } from "../scene.js";

/**
 * @typedef {import("../main.js").App} App
 * @typedef {import("./edit.js").Editable} Editable
 */

/** The choice of the class of a target, where its row is one of classes.
 * @param {App} app */
export function classChoice(app) {
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
  return { element, list, show };
}

/** The choice of the activation of the layer in progress, or of the chosen cell.
 * @param {App} app */
export function activationChoice(app) {
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
