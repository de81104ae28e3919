// Builds the client in a folder of its own, as `npm pack` would give it, beside the tests that are
// to run there: build.mjs FOLDER NODE_MODULES TEST_FOLDER ENTRY…
// The package is built of its entries alone, and checked with the tests as strictly as it is.
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const [folder, modules, tests, ...entries] = process.argv.slice(2);
const root = join(import.meta.dirname, "../../..");
const source = join(root, "clients/typescript");
const made = join(folder, "node_modules/chat-sessions-client");

function run(program, ...args) {
  const options = { cwd: folder, stdio: "inherit" };
  const { status } = spawnSync(process.execPath, [join(modules, program), ...args], options);
  if (status !== 0) process.exit(1);
}

mkdirSync(join(folder, "node_modules"), { recursive: true });
for (const name of readdirSync(modules)) {
  symlinkSync(join(modules, name), join(folder, "node_modules", name));
}
const { compilerOptions } = JSON.parse(readFileSync(join(source, "tsconfig.json"), "utf8"));
writeFileSync(join(folder, "package.json"), '{"type": "module"}');
cpSync(join(source, "src"), join(folder, "src"), { recursive: true });
run("openapi-typescript/bin/cli.js", join(root, "docs/openapi.json"), "-o", "src/api.ts");
const files = entries.map((entry) => `src/${entry}.ts`);
writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, files }));
run("typescript/bin/tsc", "--outDir", join(made, "dist"));
cpSync(join(source, "package.json"), join(made, "package.json"));

cpSync(join(import.meta.dirname, "service.ts"), join(folder, "service.ts"));
cpSync(tests, folder, { recursive: true });
const checks = {
  ...compilerOptions,
  rootDir: ".",
  noEmit: true,
  noPropertyAccessFromIndexSignature: false,
  types: ["node"],
};
const checked = readdirSync(tests).filter((name) => /\.test\.tsx?$/.test(name));
const settings = { compilerOptions: checks, files: checked };
writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(settings));
run("typescript/bin/tsc");
