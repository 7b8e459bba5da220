#!/usr/bin/env node
// A compiler for forge that needs no download: solc's JavaScript build behind the two questions that forge asks.
//   node contracts/solc.mjs --version
//   node contracts/solc.mjs --standard-json < input > output
import { readFileSync, writeSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const solc = createRequire(join(process.env.VALETKEY_NODE_ROOT ?? root, "package.json"))("solc");

// A pipe takes what it has room for, and answers EAGAIN when it has none.
function write(text) {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; ) {
    try {
      at += writeSync(1, bytes, at);
    } catch (error) {
      if (error.code !== "EAGAIN") throw error;
    }
  }
}

if (process.argv.includes("--version")) {
  // forge looks for the name of a native build.
  const version = solc.version().replace("Emscripten.clang", "Linux.g++");
  write(`solc, the solidity compiler commandline interface\nVersion: ${version}\n`);
} else if (process.argv.includes("--standard-json")) {
  write(solc.compile(readFileSync(0, "utf8")));
} else {
  console.error(`expected --version or --standard-json, got ${process.argv.slice(2).join(" ")}`);
  process.exitCode = 1;
}
