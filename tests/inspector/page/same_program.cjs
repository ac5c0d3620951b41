/**
 * Whether two scripts are the same program: their syntax trees, by the parser within Node.js, but
 * for names that are never given another value.
 *
 * node --expose-internals same_program.cjs ONE OTHER; exit status 0 if they are, 1 if not, and 3 if
 * this Node.js has no such parser.
 */
const { readFileSync } = require("node:fs");

/** The tree without the places at which its parts stand, and with let for const. */
function treeOf(parser, path) {
  const options = { ecmaVersion: "latest", sourceType: "module" };
  return JSON.stringify(parser.parse(readFileSync(path, "utf8"), options), (key, value) => {
    if (key === "start" || key === "end") return undefined;
    return key === "kind" && value === "const" ? "let" : value;
  });
}

let parser = null;
try {
  parser = require("internal/deps/acorn/acorn/dist/acorn");
} catch {
  process.exit(3);
}
const [one, other] = process.argv.slice(2).map((path) => treeOf(parser, path));
process.exit(one === other ? 0 : 1);
