// Builds the pages that the server serves, into the Python package, where they are committed.
//   node pages/build.mjs            checks the types and writes them
//   node pages/build.mjs --check    checks the types and compares, exit code 1 when something differs
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const root = dirname(here);
const nodeRequire = createRequire(join(root, "package.json"));
const esbuild = nodeRequire("esbuild");
const source = join(here, "consent");
const target = join(root, "src", "valetkey", "pages", "consent");
const TARGET = "es2022";

function checkTypes() {
  const tsc = nodeRequire.resolve("typescript/bin/tsc");
  const done = spawnSync(process.execPath, [tsc, "--project", source], { stdio: "inherit" });
  if (done.status !== 0) process.exit(1);
}

function licences() {
  const text = readFileSync(join(root, "node_modules", "@noble", "hashes", "LICENSE"), "utf8").trim();
  return `/*! @noble/hashes\n${text}\n*/`;
}

function script() {
  const built = esbuild.buildSync({
    entryPoints: [join(source, "src", "main.ts")],
    bundle: true,
    charset: "utf8",
    format: "esm",
    banner: { js: licences() }, // of what is bundled stay with it
    minify: true,
    nodePaths: [join(root, "node_modules")],
    target: TARGET,
    write: false,
  });
  return built.outputFiles[0].text;
}

function style() {
  const text = readFileSync(join(source, "consent.css"), "utf8");
  return esbuild.transformSync(text, { charset: "utf8", loader: "css", minify: true, target: TARGET }).code;
}

/** Return every file by its name; all but the index are named after their content, so they never change. */
function build() {
  const assets = { "consent.css": style(), "consent.js": script(), "icon.svg": readFileSync(join(source, "icon.svg"), "utf8") };
  let index = readFileSync(join(source, "index.html"), "utf8");
  const files = new Map();
  for (const [name, text] of Object.entries(assets)) {
    const [stem, kind] = name.split(".");
    const named = `${stem}-${createHash("sha256").update(text).digest("hex").slice(0, 16)}.${kind}`;
    files.set(named, text);
    index = index.replaceAll(`%${name}%`, `/consent/${named}`);
  }
  return files.set("index.html", index);
}

checkTypes();
const files = build();
const there = existsSync(target) ? readdirSync(target) : [];
if (process.argv.includes("--check")) {
  const isSame = (name) => there.includes(name) && readFileSync(join(target, name), "utf8") === files.get(name);
  const differ = [...new Set([...there, ...files.keys()])].filter((name) => !isSame(name));
  for (const name of differ) console.error(`${join(target, name)} is not what the sources make: node pages/build.mjs`);
  process.exit(differ.length === 0 ? 0 : 1);
}
mkdirSync(target, { recursive: true });
for (const name of there) if (!files.has(name)) rmSync(join(target, name));
for (const [name, text] of files) writeFileSync(join(target, name), text);
for (const [name, text] of files) console.log(`${name}  ${Buffer.byteLength(text)} bytes`);
