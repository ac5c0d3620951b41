/** The training as a film: a line of time over the frames, the curve of the losses beneath it. */

import { button, make, wantsStillness } from "../dom.js";
import { indexOfFrame } from "../frames.js";
import { numberText } from "../numbers.js";
import { lossCurve } from "./curve.js";
import { Follower } from "./live.js";

/**
 * @typedef {import("../main.js").App} App
 * @typedef {import("../frames.js").Film} Film
 */

const BETWEEN_FRAMES = 90; // milliseconds, when the film plays

/** A loss as the page writes it. @param {number | null} loss @param {number} [digits] */
const lossText = (loss, digits = 4) => (loss === null ? "–" : numberText(loss, digits));

/** Which epoch a frame is of, in words.
 * @param {Film} film @param {number} index @returns {string} */
function epochWords(film, index) {
  const { epoch } = film.frames[index];
  const last = film.epochs ?? film.frames.at(-1)?.epoch;
  if (epoch === 0) return `before the first of ${last} epochs`;
  if (!Number.isInteger(epoch)) return `in epoch ${Math.ceil(epoch)} of ${last}`;
  return `after epoch ${epoch} of ${last}`;
}

/** The player of a film. */
export class Player {
  /** @param {App} app @param {Film} film @param {HTMLElement} element */
  constructor(app, film, element) {
    this.app = app;
    this.film = film;
    this.isPlaying = false;
    /** Called when the user chooses a frame by hand. */
    this.onChoice = () => {};
    this.timer = 0;
    this.curve = lossCurve((index) => this.choose(index));
    this.slider = make("input", {
      type: "range",
      min: 0,
      step: 1,
      "aria-label": "Frame of the film",
      title: "Frame by frame: the arrow keys, or < and > anywhere",
      on: { input: () => this.choose(Number(this.slider.value)) },
    });
    this.play = button("Play", "Play the film, or pause it (f)", () => this.toggle());
    this.play.className = "play";
    this.allowPlaying();
    this.epoch = make("output", { class: "epoch" });
    this.train = make("span", { class: "number" });
    this.validation = make("span", { class: "number" });
    this.highest = make("span", { class: "axis highest" });
    this.lowest = make("span", { class: "axis lowest" });
    this.note = make("p", { class: "note" });
    this.head = this.header();
    element.append(this.head, this.body(), this.note);
    this.show(film);
    app.store.watch(["frame"], () => this.follow());
    app.store.watch(["pass"], () => this.soon());
    this.bind();
  }

  /** @returns {HTMLElement} */
  header() {
    return make(
      "div",
      { class: "film-head" },
      make("h2", { text: "Training" }),
      this.play,
      this.epoch,
      make("span", { class: "legend train" }, "training loss ", this.train),
      make("span", { class: "legend validation" }, "validation loss ", this.validation),
    );
  }

  /** @returns {HTMLElement} */
  body() {
    const axis = make("div", { class: "axes" }, this.highest, this.lowest);
    return make("div", { class: "film-line" }, this.slider, axis, this.curve.svg);
  }

  /** Keys of the whole page. */
  bind() {
    const group = "Film";
    const step = (/** @type {number} */ by) => () => this.choose(this.index + by);
    const { keys } = this.app;
    keys.bind({ keys: [">"], group, says: "the next frame", run: step(1) });
    keys.bind({ keys: ["<"], group, says: "the frame before", run: step(-1) });
    const run = () => this.play.hidden || this.toggle();
    if (!wantsStillness()) keys.bind({ keys: ["f"], group, says: "play the film, or pause", run });
  }

  /** The index of the frame shown. */
  get index() {
    return indexOfFrame(this.film, this.app.store.view.frame);
  }

  /** Show another film, such as one that has grown.
   * @param {Film} film */
  show(film) {
    this.film = film;
    this.slider.max = String(film.frames.length - 1);
    this.curve.draw(film);
    const { least, most, isLog } = this.curve.scale();
    this.highest.textContent = lossText(most, 2);
    this.lowest.textContent = lossText(least, 2);
    this.lowest.title = isLog ? "A logarithmic scale" : "";
    this.note.textContent = film.note;
    this.note.hidden = !film.note;
    const hasValidation = film.curve.validation.some((loss) => loss !== null);
    const legend = this.validation.parentElement;
    if (legend) legend.hidden = !hasValidation;
    const { frame } = this.app.store.view;
    const isThere = frame === null || film.frames.some(({ id }) => id === frame);
    if (isThere) this.follow();
    else this.goTo(this.index);
  }

  /** Let the film be played, once it is whole. */
  allowPlaying() {
    this.play.hidden = wantsStillness();
  }

  /** Show which frame it is. */
  follow() {
    const { film, index } = this;
    const [train, validation] = film.frames[index].losses;
    this.slider.value = String(index);
    this.slider.setAttribute("aria-valuetext", `${epochWords(film, index)}, ${lossText(train)}`);
    this.epoch.textContent = epochWords(film, index);
    this.train.textContent = lossText(train);
    this.validation.textContent = lossText(validation);
    this.curve.mark(film, index);
  }

  /** Go to a frame because the user wants it.
   * @param {number} index */
  choose(index) {
    this.pause();
    this.onChoice();
    this.goTo(index);
  }

  /** Go to a frame.
   * @param {number} index */
  goTo(index) {
    const last = this.film.frames.length - 1;
    const { id } = this.film.frames[Math.min(last, Math.max(0, index))];
    this.app.store.set({ frame: id === this.film.own ? null : id });
  }

  /** Play, or pause. */
  toggle() {
    if (this.isPlaying) {
      this.pause();
      return;
    }
    this.onChoice();
    this.isPlaying = true;
    this.play.textContent = "Pause";
    if (this.index === this.film.frames.length - 1) this.goTo(0);
    else this.soon();
  }

  /** Stand still. */
  pause() {
    clearTimeout(this.timer);
    this.isPlaying = false;
    this.play.textContent = "Play";
  }

  /** Go to the next frame a little later, if the film plays; never before one frame is drawn. */
  soon() {
    clearTimeout(this.timer);
    if (!this.isPlaying) return;
    this.timer = setTimeout(() => {
      if (this.index === this.film.frames.length - 1) this.pause();
      else this.goTo(this.index + 1);
    }, BETWEEN_FRAMES);
  }
}

/** Put the player into the page, if there is a film.
 * @param {App} app @param {HTMLElement} element */
export function mountFilm(app, element) {
  const { film } = app.source.scene;
  if (!film) return;
  const player = new Player(app, film, element);
  if (film.live) new Follower(app, player, player.head);
}
