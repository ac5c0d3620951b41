/** The engines of batch and layer normalisation: x̂ = (x − m) / s, z = γ x̂ + β, and back. */

import { ndarray, sizeOf } from "../arrays.js";
import { backThroughPhi, overflowIsInf, throughPhi, withNaN, zeroAt } from "./at.js";

/**
 * @typedef {import("../arrays.js").NdArray} NdArray
 * @typedef {import("../scene.js").SceneLayer} SceneLayer
 * @typedef {import("./at.js").AtLayer} AtLayer
 * @typedef {import("./at.js").Engine} Engine
 *
 * @typedef {Object} Sharing  which numbers of x share a mean, and which share γ and β
 * @property {number[]} shape of the means
 * @property {Int32Array} group of each number, the flat place of its mean; −1 at padding
 * @property {Int32Array} gain of each number, the flat place of its γ
 * @property {number} count how many numbers share a mean, padding left out
 */

/** @param {SceneLayer} layer @param {NdArray} x @param {Uint8Array | null} padded its padded steps
 * @returns {Sharing} */
function sharingOf(layer, { shape, data }, padded) {
  const first = shape.length === 3 ? 2 : 1;
  const isByCase = layer.type === "layer_norm";
  const own = sizeOf(shape.slice(isByCase ? first : first + 1));
  const features = isByCase ? 1 : shape[first];
  const group = new Int32Array(data.length);
  const gain = new Int32Array(group.length);
  const width = group.length / (padded?.length ?? 1);
  let real = 0;
  for (let k = 0; k < group.length; k++) {
    const index = Math.floor(k / own);
    group[k] = isByCase ? index : index % features;
    gain[k] = isByCase ? k % own : index % features;
    if (padded?.[Math.floor(k / width)]) group[k] = -1;
    else real++;
  }
  return {
    shape: isByCase ? shape.slice(0, first) : [features],
    group,
    gain,
    count: isByCase ? own : real / features,
  };
}

/** The sums over the numbers that share a mean.
 * @param {Sharing} sharing @param {(k: number, group: number) => number} term of number k */
function sumsOf({ shape, group }, term) {
  const found = ndarray(shape);
  for (let k = 0; k < group.length; k++)
    if (group[k] >= 0) found.data[group[k]] += term(k, group[k]);
  return found;
}

/** The means of the numbers that share one.
 * @param {Sharing} sharing @param {(k: number, group: number) => number} term of number k */
function meansOf(sharing, term) {
  const { shape, data } = sumsOf(sharing, term);
  return ndarray(
    shape,
    data.map((one) => one / sharing.count),
  );
}

/** The mean, the variance and its root, of which the first is computed twice: the mean of the
 * distances from it is its rounding error.
 * @param {AtLayer} at @param {Sharing} sharing */
function statisticsOf(at, sharing) {
  const x = at.x.data;
  const rough = meansOf(sharing, (k) => x[k]).data;
  const rest = meansOf(sharing, (k, group) => x[k] - rough[group]).data;
  const m = rough.map((one, group) => one + rest[group]);
  const v = meansOf(sharing, (k, group) => (x[k] - rough[group] - rest[group]) ** 2).data;
  const s = v.map((one) => Math.sqrt(one + at.layer.options.epsilon));
  return { rough, rest, m, v, s };
}

/** An array with a number for each mean, NaN where that is one of a padded step.
 * @param {AtLayer} at @param {Sharing} sharing @param {Float64Array} data */
function markedMeans(at, { shape }, data) {
  const array = ndarray(shape, data);
  return at.padded && at.layer.type === "layer_norm" ? withNaN(array, at.padded) : array;
}

/** Keep the running mean and variance of batch normalisation as they are after the pass.
 * @param {AtLayer} at @param {Sharing} sharing @param {Float64Array} m @param {Float64Array} v */
function keepRunning(at, { count }, m, v) {
  const moved = (/** @type {string} */ name, /** @type {Float64Array} */ now) => {
    const { shape, data } = at.array(name);
    const after = data.map((old, k) => old + at.layer.options.momentum * (now[k] - old));
    at.keep(`${name}_new`, ndarray(shape, after));
  };
  moved("mean", m);
  const unbiased = v.map((one) => (one * count) / (count - 1));
  moved("variance", count > 1 ? unbiased : at.array("variance").data);
}

/** @type {Engine} */
const NORMALIZED_ENGINE = {
  forward(at, x) {
    const sharing = sharingOf(at.layer, at.x, at.padded);
    const { group, gain } = sharing;
    const { rough, rest, m, v, s } = statisticsOf(at, sharing);
    for (const [name, data] of Object.entries({ m, v, s }))
      at.keep(name, markedMeans(at, sharing, data));
    const xhat = ndarray(x.shape);
    const z = ndarray(x.shape);
    const [gamma, beta] = [at.array("gamma").data, at.array("beta").data];
    for (let k = 0; k < group.length; k++) {
      const own = group[k];
      if (own >= 0) xhat.data[k] = (x.data[k] - rough[own] - rest[own]) / s[own];
      z.data[k] = gamma[gain[k]] * xhat.data[k] + beta[gain[k]];
    }
    at.keep("xhat", at.padded ? withNaN(xhat, at.padded) : xhat);
    if (at.layer.type === "batch_norm") keepRunning(at, sharing, m, v);
    const out = throughPhi(at, z);
    if (x.shape.length < 3) return out;
    overflowIsInf(out, at.padded);
    return at.padded ? withNaN(out, at.padded) : out;
  },
  backward(at, J) {
    const sharing = sharingOf(at.layer, at.x, at.padded);
    const { group, gain, count } = sharing;
    const delta = backThroughPhi(at, J);
    keepGains(at, sharing, delta.data);
    const [xhat, gamma] = [at.array("xhat").data, at.array("gamma").data];
    const s = at.array("s").data;
    const by = ndarray(
      delta.shape,
      delta.data.map((one, k) => (group[k] < 0 ? 0 : one * gamma[gain[k]])),
    );
    const u = at.rightOrWrong("xhat_J", by);
    at.keep("xhat_J", u);
    const along = sumsOf(sharing, (k) => u.data[k] * xhat[k]);
    const byV = along.data.map((one, own) => (one === 0 ? 0 : -one / (2 * s[own] ** 2)));
    const v = at.rightOrWrong("v_J", ndarray(sharing.shape, byV));
    at.keep("v_J", v);
    const total = sumsOf(sharing, (k) => u.data[k]);
    const byM = total.data.map((one, own) => (one === 0 ? 0 : -one / s[own]));
    const m = at.rightOrWrong("m_J", ndarray(sharing.shape, byM));
    at.keep("m_J", m);
    const sent = ndarray(at.x.shape);
    for (let k = 0; k < group.length; k++) {
      const own = group[k];
      if (own < 0) continue;
      const shared = v.data[own] * 2 * xhat[k] * s[own] + m.data[own];
      sent.data[k] = u.data[k] / s[own] + shared / count;
    }
    return at.padded ? zeroAt(sent, at.padded) : sent;
  },
};

/** Keep ∂L/∂γ = Σ δ x̂ and ∂L/∂β = Σ δ.
 * @param {AtLayer} at @param {Sharing} sharing @param {Float64Array} delta */
function keepGains(at, { group, gain }, delta) {
  const xhat = at.array("xhat").data;
  const [gamma, beta] = [0, 0].map(() => ndarray(at.array("gamma").shape));
  for (let k = 0; k < group.length; k++) {
    if (group[k] < 0) continue;
    gamma.data[gain[k]] += delta[k] * xhat[k];
    beta.data[gain[k]] += delta[k];
  }
  at.keep("gamma_grad", gamma);
  at.keep("beta_grad", beta);
}

/** @type {Record<string, Engine>} */
export const NORMALIZED_ENGINES = { batch_norm: NORMALIZED_ENGINE, layer_norm: NORMALIZED_ENGINE };
