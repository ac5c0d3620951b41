/** A training that runs: the film grows, and the page follows its latest frame if it is to. */

import { button, make, say } from "../dom.js";

/**
 * @typedef {import("../main.js").App} App
 * @typedef {import("../frames.js").Film} Film
 * @typedef {import("./film.js").Player} Player
 */

/** Follows a training on a player. */
export class Follower {
  /** @param {App} app @param {Player} player @param {HTMLElement} head */
  constructor(app, player, head) {
    this.app = app;
    this.player = player;
    this.follows = true;
    /** Whether a frame has been asked for and is not drawn yet. */
    this.isBusy = false;
    /** @type {number | null} */
    this.asked = null;
    this.state = make("output", { class: "live" });
    this.follow = button("Follow", "Show the latest frame as the training goes on", () =>
      this.setFollows(!this.follows),
    );
    this.stop = button("Stop training", "End the training; its run is saved", () => this.end());
    head.append(this.state, this.follow, this.stop);
    player.play.hidden = true;
    player.onChoice = () => this.setFollows(false);
    app.store.watch(["pass"], () => {
      this.isBusy = false;
      this.goOn();
    });
    app.store.watch(["frame"], ({ frame }) => {
      if (frame !== this.asked) this.isBusy = false; // it could not be had, and was taken back
    });
    this.setFollows(true);
    app.source.follow((film) => this.heard(film)).catch(() => this.lost());
  }

  /** @param {boolean} follows */
  setFollows(follows) {
    this.follows = follows;
    this.follow.setAttribute("aria-pressed", String(follows));
    this.goOn();
  }

  /** Take the film as it is now.
   * @param {Film} film */
  heard(film) {
    this.player.show(film);
    const { state, text, can_stop } = film.live ?? {
      state: "finished",
      text: "",
      can_stop: false,
    };
    this.state.dataset.state = state;
    if (state !== "training" && state !== this.state.dataset.said) {
      this.state.dataset.said = state;
      say(text);
    }
    const doing = film.frames.length > 1 ? "training" : "training is being prepared";
    this.state.textContent = state === "training" ? doing : text;
    this.stop.hidden = !can_stop || state !== "training";
    this.follow.hidden = state !== "training";
    this.goOn();
    if (state !== "training") this.player.allowPlaying();
  }

  /** Go to the latest frame, unless one is still on its way. */
  goOn() {
    const { film, index } = this.player;
    const last = film.frames.length - 1;
    if (!this.follows || this.isBusy || index === last) return;
    this.isBusy = true;
    this.asked = film.frames[last].id;
    this.player.goTo(last);
  }

  /** Ask for the training to end. */
  async end() {
    this.stop.disabled = true;
    await this.app.source.stop().catch((error) => say(String(error.message ?? error)));
  }

  /** The server no longer answers. */
  lost() {
    this.state.textContent = "chainrule inspect has ended";
    this.state.dataset.state = "failed";
    this.follow.hidden = true;
    this.stop.hidden = true;
  }
}
