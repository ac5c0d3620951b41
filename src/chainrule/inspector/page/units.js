/** Numbers in the person's own units: what they were before they were scaled for the network. */

/**
 * @typedef {import("./scene.js").Scene} Scene
 * @typedef {import("./arrays.js").Place} Place
 */

/** A number of an input, of a target or of an output before it was scaled; null where it was not.
 * @param {Scene} scene @param {string} key @param {Place} at @param {number} value
 * @returns {number | null} */
export function inOwnUnits(scene, key, at, value) {
  const outputs = [`${scene.output}.out`, "loss.t"];
  const scaling =
    key === "input.out"
      ? scene.scaling?.inputs
      : outputs.includes(key)
        ? scene.scaling?.targets
        : null;
  if (!scaling) return null;
  const shape = scene.arrays.find((one) => one.key === key)?.shape ?? [];
  let index = 0;
  for (let axis = 1; axis < shape.length; axis++) index = index * shape[axis] + at[axis];
  const k = index % scaling.mean.length;
  const [part, mean] = [value * scaling.scale[k], scaling.mean[k]];
  return Math.abs(part + mean) < 1e-12 * Math.abs(mean) ? 0 : part + mean; // what rounding leaves
}
