/** What one takes away: a link that brings back this view, and the step as a program of NumPy. */

import { button, make, say } from "../dom.js";
import { tellingPlace } from "../going.js";
import { LONGEST_LINK, linkTo } from "../link.js";
import { nameText } from "../names.js";
import { numpyNeeds, numpyProgram } from "../numpy.js";

/** @typedef {import("../main.js").App} App */

/** Copy a text; shown to be copied by hand where the browser does not let the page.
 * @param {string} text @param {string} sentence what is said once it is copied */
export async function copyText(text, sentence) {
  try {
    await navigator.clipboard.writeText(text);
    say(sentence);
  } catch {
    showText("The browser does not let the page copy; copy it from here.", text);
  }
}

/** A text in a window of its own.
 * @param {string} heading @param {string} text @param {HTMLElement} [more] */
function showText(heading, text, more) {
  const area = make("textarea", {
    readonly: true,
    rows: 18,
    "aria-label": heading,
    spellcheck: "false",
    wrap: "off",
  });
  area.value = text;
  const dialog = make("dialog", { class: "window", "aria-label": heading });
  const close = button("Close", "Close (Escape)", () => dialog.close());
  dialog.append(
    make("h2", { text: heading }),
    area,
    make("p", { class: "tools" }, more ?? null, close),
  );
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  if (!more) return area.select();
  area.setSelectionRange(0, 0);
  area.scrollTop = 0;
  more.focus();
}

/** @param {App} app @param {HTMLElement} element */
export function mountCopying(app, element) {
  const link = button("Copy link", "Copy a link that brings back exactly this view (l)", () => {
    const address = linkTo(location.href, app.store.view, app.operations);
    if (address.length > LONGEST_LINK) {
      return say(
        `This view is too long for a link: ${address.length} characters, of at most ${LONGEST_LINK}. Pasted cases go with their file.`,
      );
    }
    const where = app.source.isLive
      ? " It holds the key of this page, and opens on this machine while it is served."
      : "";
    copyText(address, `The link to this view is copied.${where}`);
  });
  const program = button("NumPy", "The step as NumPy code that gives the chosen number (c)", () =>
    showProgram(app),
  );
  element.append(link, program);
  const group = "Take away and bring";
  app.keys.bind({ keys: ["l"], group, says: "copy a link to this view", run: () => link.click() });
  app.keys.bind({
    keys: ["c"],
    group,
    says: "the step as NumPy code",
    run: () => program.click(),
  });
}

/** The program for the chosen cell of the operation in progress, copied and shown.
 * @param {App} app */
async function showProgram(app) {
  const { operation: index, chosen, mode } = app.store.view;
  if (mode === "predict") return say("The code gives the numbers that you are predicting.");
  const operation = app.operations[index];
  if (!operation) return say("Choose a step first: the code is of the operation in progress.");
  const { pass } = app;
  const at = chosen?.key === operation.target ? chosen.at : tellingPlace(app, operation.target);
  await pass.need(numpyNeeds(pass.scene, operation, at));
  const text = numpyProgram(pass.scene, operation, at, (key, place) => pass.read(key, place));
  const name = nameText(pass.scene, operation.target, at);
  const copy = button("Copy", "Copy the code", async () => {
    await copyText(text, `The code of ${name} is copied.`);
    copy.textContent = "Copied"; // the line at the bottom is behind the window
  });
  showText(`${name} in NumPy`, text, copy);
}
