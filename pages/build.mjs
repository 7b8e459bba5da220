// Builds the pages and scripts that the server serves, into the Python package, where they are committed.
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
const TARGET = "es2022";

// Each folder of pages: what is named after its content, and in which pages, under which path; and
// scripts that others fetch by names of their own.
const FOLDERS = {
  consent: {
    scripts: { "consent.js": "main.ts" },
    styles: ["consent.css"],
    images: ["icon.svg"],
    pages: ["index.html"],
    under: "/consent/",
    banner: () => licences("@noble/hashes"),
  },
  para: {
    scripts: { "otp.js": "otp.ts", "review.js": "review.ts" },
    styles: ["para.css"],
    images: ["icon.svg"],
    pages: ["otp.html", "review.html"],
    under: "",
    fetched: {
      "mpcWorker-bundle.js": "browser.ts",
      "mpcWorkerServer-bundle.js": "node.ts",
      "prime.worker.min.js": "prime.ts",
    },
  },
  openfort: {
    scripts: { "openfort.js": "main.ts" },
    styles: ["unknown.css"],
    images: [],
    pages: ["index.html", "unknown.html"],
    under: "",
    banner: () => licences("@noble/curves", "@noble/hashes", "penpal"),
  },
  portal: { scripts: { "portal.js": "main.ts" }, styles: [], images: [], pages: ["index.html"], under: "" },
};

function checkTypes(source) {
  const tsc = nodeRequire.resolve("typescript/bin/tsc");
  const done = spawnSync(process.execPath, [tsc, "--project", source], { stdio: "inherit" });
  if (done.status !== 0) process.exit(1);
}

function licences(...packages) {
  const textOf = (one) => readFileSync(join(root, "node_modules", one, "LICENSE"), "utf8").trim();
  return packages.map((one) => `/*! ${one}\n${textOf(one)}\n*/`).join("\n");
}

function script(source, entry, format, banner) {
  const built = esbuild.buildSync({
    entryPoints: [join(source, "src", entry)],
    bundle: true,
    charset: "utf8",
    format,
    banner: banner ? { js: banner } : {}, // of what is bundled stay with it
    minify: true,
    nodePaths: [join(root, "node_modules")],
    external: ["node:*"],
    target: TARGET,
    write: false,
  });
  return built.outputFiles[0].text;
}

function style(path) {
  const text = readFileSync(path, "utf8");
  return esbuild.transformSync(text, { charset: "utf8", loader: "css", minify: true, target: TARGET }).code;
}

/** Return every file of a folder by its name; those that a page names are named after their content. */
function build(name) {
  const { scripts, styles, images, pages, under, banner, fetched } = FOLDERS[name];
  const source = join(here, name);
  checkTypes(source);
  const assets = {};
  for (const one of images) assets[one] = readFileSync(join(source, one), "utf8");
  for (const one of styles) assets[one] = style(join(source, one));
  for (const [one, entry] of Object.entries(scripts)) assets[one] = script(source, entry, "esm", banner?.());
  const texts = pages.map((page) => readFileSync(join(source, page), "utf8"));
  const files = new Map();
  for (const [one, text] of Object.entries(assets)) {
    const [stem, kind] = one.split(".");
    const named = `${stem}-${createHash("sha256").update(text).digest("hex").slice(0, 16)}.${kind}`;
    files.set(named, text);
    texts.forEach((page, at) => (texts[at] = page.replaceAll(`%${one}%`, `${under}${named}`)));
  }
  pages.forEach((page, at) => files.set(page, texts[at]));
  for (const [one, entry] of Object.entries(fetched ?? {})) files.set(one, script(source, entry, "iife"));
  return files;
}

function check(target, there, files) {
  const isSame = (name) => there.includes(name) && readFileSync(join(target, name), "utf8") === files.get(name);
  const differ = [...new Set([...there, ...files.keys()])].filter((name) => !isSame(name));
  for (const name of differ) console.error(`${join(target, name)} is not what the sources make: node pages/build.mjs`);
  return differ.length === 0;
}

let isSame = true;
for (const name of Object.keys(FOLDERS)) {
  const target = join(root, "src", "valetkey", "pages", name);
  const files = build(name);
  const there = existsSync(target) ? readdirSync(target) : [];
  if (process.argv.includes("--check")) {
    isSame = check(target, there, files) && isSame;
    continue;
  }
  mkdirSync(target, { recursive: true });
  for (const one of there) if (!files.has(one)) rmSync(join(target, one));
  for (const [one, text] of files) writeFileSync(join(target, one), text);
  for (const [one, text] of files) console.log(`${name}/${one}  ${Buffer.byteLength(text)} bytes`);
}
process.exit(isSame ? 0 : 1);
