/** The reader's own cases, pasted, dropped, or from a file, as CSV. */

import { casesIn, DataProblem, inputColumns, targetColumns } from "../csv.js";
import { button, make, say } from "../dom.js";

/** @typedef {import("../main.js").App} App */

/** Take the cases of a text into the picture.
 * @param {App} app @param {string} text @throws {DataProblem} */
function takeCases(app, text) {
  const edit = casesIn(text, app.source.scene);
  app.store.set({ case_: 0, alone: false, chosen: null });
  app.history.edit([edit]);
  const count = edit.labels.length;
  say(
    `${count === 1 ? "1 pasted case is" : `${count} pasted cases are`} shown; undo brings the others back.`,
  );
}

/** The names of columns, the first and the last of many.
 * @param {string[]} names */
const briefly = (names) =>
  names.length <= 12 ? names.join(", ") : `${names.slice(0, 4).join(", ")}, …, ${names.at(-1)}`;

/** What the window says of the columns.
 * @param {App} app */
function columnsText(app) {
  const { scene } = app.source;
  const targets = targetColumns(scene);
  const words = targets.words ? ` (${briefly(targets.words)})` : "";
  const columns = briefly([...inputColumns(scene).map(({ name }) => name), ...targets.names]);
  return `One case a line, with the columns ${columns}${words}; by name with a header, else in this order. The numbers are in your own units.`;
}

/** @param {App} app @param {HTMLElement} element */
export function mountPaste(app, element) {
  const area = make("textarea", {
    rows: 10,
    "aria-labelledby": "paste-heading",
    "aria-describedby": "paste-problem",
    spellcheck: "false",
  });
  const problem = make("p", { class: "wrong", role: "alert", id: "paste-problem" });
  const take = (/** @type {string} */ text) => {
    area.value = text;
    try {
      takeCases(app, text);
      dialog.close();
    } catch (error) {
      if (!(error instanceof DataProblem)) throw error;
      problem.textContent = error.message;
      if (!dialog.open) dialog.showModal();
    }
  };
  const dialog = pasteWindow(app, area, problem, take);
  const open = () => {
    problem.textContent = "";
    dialog.showModal();
    area.focus();
  };
  element.append(button("Paste data", "Your own cases as CSV: paste, drop, or a file (v)", open));
  const says = "your own cases as CSV";
  app.keys.bind({ keys: ["v"], group: "Take away and bring", says, run: open });
  takeDropped(take);
}

/** The window in which cases are pasted.
 * @param {App} app @param {HTMLTextAreaElement} area @param {HTMLElement} problem
 * @param {(text: string) => void} take */
function pasteWindow(app, area, problem, take) {
  const dialog = make("dialog", { class: "window", "aria-labelledby": "paste-heading" });
  const file = make("input", {
    type: "file",
    accept: ".csv,.tsv,.txt,text/csv",
    hidden: true,
    on: { change: async () => file.files?.[0] && take(await file.files[0].text()) },
  });
  dialog.append(
    make("h2", { id: "paste-heading", text: "Your own cases, as CSV" }),
    make("p", { text: columnsText(app) }),
    area,
    problem,
    make(
      "p",
      { class: "tools" },
      button("Show them", "Take these cases into the picture", () => take(area.value)),
      button("Choose a file", "A file of cases, as CSV", () => file.click()),
      file,
      button("Cancel", "Close (Escape)", () => dialog.close()),
    ),
  );
  document.body.append(dialog);
  return dialog;
}

/** Take what is dropped or pasted on the page, but not what is pasted into a field.
 * @param {(text: string) => void} take */
function takeDropped(take) {
  document.addEventListener("dragover", (event) => event.preventDefault());
  document.addEventListener("drop", async (event) => {
    event.preventDefault();
    const [file] = event.dataTransfer?.files ?? [];
    const text = file ? await file.text() : event.dataTransfer?.getData("text/plain");
    if (text) take(text);
  });
  document.addEventListener("paste", (event) => {
    const isField = event.target instanceof HTMLElement && event.target.matches("input, textarea");
    const text = event.clipboardData?.getData("text/plain") ?? "";
    if (!isField && text.trim()) take(text);
  });
}
