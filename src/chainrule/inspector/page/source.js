/**
 * Where the numbers come from: from Python over loopback (`remote.js`), or, in a file that works
 * without a server, from the page's own engine (`local.js`). Both offer this.
 *
 * @typedef {import("./arrays.js").NdArray} NdArray
 * @typedef {import("./arrays.js").Place} Place
 * @typedef {import("./arrays.js").Region} Region
 * @typedef {import("./scene.js").Scene} Scene
 * @typedef {import("./store.js").Edit} Edit
 *
 * @typedef {Object} PassWanted  which pass; everything that the numbers depend on
 * @property {Edit[]} edits
 * @property {string[]} bugs
 * @property {number | null} frame
 * @property {number | null} only the index of the case that is passed alone; null for all
 *
 * @typedef {Object} Pass  the numbers of one pass
 * @property {Scene} scene its arrays may differ from the first scene's: an edited activation
 * @property {number} loss
 * @property {(key: string, at: Place) => number | undefined} read undefined: not loaded yet
 * @property {(wanted: {key: string, region: Region}[]) => Promise<void>} need load exact numbers,
 *   so that `read` knows them; resolves at once where they are there
 * @property {(key: string) => Levels} levels every number of an array roughly, for its picture
 *
 * @typedef {Object} Levels
 * @property {number[]} shape
 * @property {Int8Array | Float64Array} data level · scale is the number, to a 127th of the largest
 * @property {number} scale
 * @property {number} largest the largest |number| that is finite
 *
 * @typedef {Object} CheckRow  what the gradient check finds of one array: its worst cell
 * @property {string} key such as dense_1.W_grad, or input.J
 * @property {string} letter
 * @property {"right" | "wrong" | "kink" | "unsure" | "truncated"} verdict kink: at every number that
 *   was tried the slope is a convention; truncated: cut off in time on purpose, so that no
 *   derivative of the loss can judge it; unsure: a number is not finite
 * @property {number} tried how many cells were compared
 * @property {number} of how many there are
 * @property {number} error the largest relative one
 * @property {Place} at where that was
 * @property {number} analytic what the backward pass found there
 * @property {number} numeric the derivative of the loss there
 * @property {number} kinks how many cells were left out at kinks
 *
 * @typedef {Object} Source
 * @property {Scene} scene
 * @property {(wanted: PassWanted) => Promise<Pass>} pass
 * @property {boolean} isLive whether a server answers
 * @property {(wanted: import("./plane.js").PlaneWanted) => Promise<import("./plane.js").Sheets>} plane
 *   what layers give at every point of a plane of two inputs
 * @property {(heard: (film: import("./frames.js").Film) => void) => Promise<void>} follow hear of the
 *   film of a training that runs whenever it has grown; ends with the training
 * @property {() => Promise<unknown>} stop end that training
 * @property {(wanted: PassWanted) => Promise<CheckRow[]>} gradientCheck the gradients of
 *   a pass, right or wrong, against derivatives of the loss itself
 * @property {string | null} planesReason why there are no planes; null where there are
 */
export {};
