/**
 * The functions of formulas as Python writes them.
 *
 * @typedef {import("./scene.js").Named} Named
 * @typedef {{text: string, definition: string | null}} PythonCall  definition: what it needs before
 */

/** Functions that NumPy has under a name of its own.
 * @type {Record<string, string>} */
const OF_NUMPY = {
  tanh: "np.tanh",
  exp: "np.exp",
  log: "np.log",
  ln: "np.log",
  sqrt: "np.sqrt",
  abs: "np.abs",
  sign: "np.sign",
  cosh: "np.cosh",
  log1p: "np.log1p",
};

const SELU = "1.0507009873554805 * np.where(z > 0, ";
const ERF =
  "from math import erfc\n\nnormal_share = np.vectorize(lambda z: erfc(-z / 2**0.5) / 2)";
const SIGMOID = definedInPython("sigmoid", "1 / (1 + np.exp(-z))");
const SOFTPLUS = definedInPython("softplus", "np.logaddexp(0, z)");

/** A function of z, which may be an array, defined in Python.
 * @param {string} name @param {string} value */
function definedInPython(name, value) {
  return `\ndef ${name}(z):\n    return ${value}\n`;
}

/** The functions that the program defines, by their names in formulas: what it needs before, the
 * function's name, and its value; options of the activation stand in braces.
 * @type {Record<string, {needs?: string, name: string, value: string}>} */
const DEFINED = {
  φ: { name: "phi", value: "z" },
  "φ′": { name: "phi_slope", value: "np.ones_like(z)" },
  σ: { name: "sigmoid", value: "1 / (1 + np.exp(-z))" },
  "σ′": { needs: SIGMOID, name: "sigmoid_slope", value: "sigmoid(z) * sigmoid(-z)" },
  "tanh′": { name: "tanh_slope", value: "1 / np.cosh(z) ** 2" },
  relu: { name: "relu", value: "np.maximum(z, 0)" },
  "relu′": { name: "relu_slope", value: "np.where(z > 0, 1.0, 0.0)" },
  "leaky relu": { name: "leaky_relu", value: "np.where(z > 0, z, {slope} * z)" },
  "leaky relu′": { name: "leaky_relu_slope", value: "np.where(z > 0, 1.0, {slope})" },
  elu: { name: "elu", value: "np.where(z > 0, z, {alpha} * np.expm1(z))" },
  "elu′": { name: "elu_slope", value: "np.where(z > 0, 1.0, {alpha} * np.exp(z))" },
  selu: { name: "selu", value: `${SELU}z, 1.6732632423543772 * np.expm1(z))` },
  "selu′": { name: "selu_slope", value: `${SELU}1.0, 1.6732632423543772 * np.exp(z))` },
  gelu: { needs: ERF, name: "gelu", value: "z * normal_share(z)" },
  "gelu′": {
    needs: ERF,
    name: "gelu_slope",
    value: "normal_share(z) + z * np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)",
  },
  silu: { needs: SIGMOID, name: "silu", value: "z * sigmoid(z)" },
  "silu′": {
    needs: SIGMOID,
    name: "silu_slope",
    value: "sigmoid(z) + z * sigmoid(z) * sigmoid(-z)",
  },
  mish: { needs: SOFTPLUS, name: "mish", value: "z * np.tanh(softplus(z))" },
  "mish′": {
    needs: SIGMOID + SOFTPLUS,
    name: "mish_slope",
    value: "np.tanh(softplus(z)) + z * sigmoid(z) / np.cosh(softplus(z)) ** 2",
  },
  softplus: { name: "softplus", value: "np.logaddexp(0, z)" },
  "softplus′": { name: "softplus_slope", value: "1 / (1 + np.exp(-z))" },
  "ln cosh": { name: "log_cosh", value: "np.logaddexp(z, -z) - np.log(2)" },
  ρ: {
    name: "huber",
    value: "np.where(abs(z) <= {delta}, z**2 / 2, {delta} * (abs(z) - {delta} / 2))",
  },
  "ρ′": { name: "huber_slope", value: "np.clip(z, -{delta}, {delta})" },
  softsign: { name: "softsign", value: "z / (1 + np.abs(z))" },
  "softsign′": { name: "softsign_slope", value: "1 / (1 + np.abs(z)) ** 2" },
};

/** A call in Python; null for a function that is not known here.
 * @param {string} name as the formula writes it @param {string[]} inputs
 * @param {Record<string, any>} options of the activation and of the loss, which some functions take
 * @returns {PythonCall | null} */
export function pythonCall(name, inputs, options) {
  if (name === "max" || name === "min") {
    const both = name === "max" ? "np.maximum" : "np.minimum";
    const of = inputs.length === 2 ? inputs.join(", ") : `[${inputs.join(", ")}]`;
    return { text: `${both}${inputs.length === 2 ? "" : ".reduce"}(${of})`, definition: null };
  }
  if (Object.hasOwn(OF_NUMPY, name)) {
    return { text: `${OF_NUMPY[name]}(${inputs.join(", ")})`, definition: null };
  }
  const [, sign, number] = /^\[(?:x )?([=<>]) (\S+)\]$/.exec(name) ?? []; // 1 where it holds
  if (sign) {
    const condition = `${sign === "=" ? "==" : sign} ${number.replace("−", "-")}`;
    return { text: `np.float64(${inputs[0]} ${condition})`, definition: null };
  }
  if (!Object.hasOwn(DEFINED, name) || inputs.length !== 1) return null;
  const { needs = "", name: called, value } = DEFINED[name];
  const filled = value.replace(/\{(\w+)\}/g, (_, option) => String(options[option]));
  return {
    text: `${called}(${inputs[0]})`,
    definition: `${needs}${definedInPython(called, filled)}`,
  };
}
