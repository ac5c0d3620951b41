/** The help: every key of the page, in a dialog. */

import { button, make } from "../dom.js";

/** @param {import("../main.js").App} app @param {HTMLElement} element */
export function mountHelp(app, element) {
  const list = make("div", { class: "key-groups" });
  const single = make("input", { type: "checkbox", checked: true });
  single.addEventListener("change", () => {
    app.keys.single = single.checked;
  });
  const dialog = make(
    "dialog",
    { class: "help", "aria-labelledby": "help-title" },
    make(
      "div",
      { class: "help-head" },
      make("h2", { id: "help-title", text: "Keys" }),
      button("Close", "Close the help (Escape)", () => dialog.close()),
    ),
    list,
    make("label", { class: "single" }, single, " Keys of a single letter or sign are on"),
  );
  const toggle = () => {
    if (dialog.open) return dialog.close();
    list.replaceChildren(...groupsOfKeys(app));
    dialog.showModal();
  };
  app.keys.bind({ keys: ["?"], group: "Views", says: "this list of keys", run: toggle });
  element
    .querySelector(".controls")
    ?.append(button("?", "All keys (?)", toggle, { "aria-label": "All keys" }));
  element.append(dialog);
}

const SHOWN = /** @type {Record<string, string>} */ ({
  ArrowRight: "→",
  ArrowLeft: "←",
  ArrowUp: "↑",
  ArrowDown: "↓",
  Escape: "Esc",
  " ": "Space",
});

/** @param {import("../main.js").App} app @returns {HTMLElement[]} */
function groupsOfKeys(app) {
  const { bindings: all } = app.keys;
  const groups = [...new Set(all.map(({ group }) => group))];
  return groups.map((group) =>
    make(
      "section",
      {},
      make("h3", { text: group }),
      make(
        "dl",
        {},
        ...all.flatMap(({ keys, says, group: own }) =>
          own === group
            ? [
                make("dt", {}, ...keys.map((key) => make("kbd", { text: spelled(key) }))),
                make("dd", { text: says }),
              ]
            : [],
        ),
      ),
    ),
  );
}

/** @param {string} key @returns {string} */
const spelled = (key) =>
  key
    .replace(/^[A-Z]$/, (letter) => `Shift+${letter.toLowerCase()}`)
    .replace(/[A-Z][a-z]+(?:[A-Z][a-z]+)?$| $/, (name) => SHOWN[name] ?? name);
