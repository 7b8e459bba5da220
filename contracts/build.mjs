// Compiles the contracts with fixed settings and writes the artefacts that are committed beside the code.
//   node contracts/build.mjs            writes them
//   node contracts/build.mjs --check    compares, exit code 1 when one differs
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const SOLC = "0.8.30";
const here = dirname(fileURLToPath(import.meta.url));
const root = dirname(here);
const nodeRequire = createRequire(join(process.env.VALETKEY_NODE_ROOT ?? root, "package.json"));
const solc = nodeRequire("solc");

const SETTINGS = {
  viaIR: true,
  optimizer: { enabled: true, runs: 1_000_000 },
  evmVersion: "prague",
  // No metadata at the end of the bytecode: it would change with every comment.
  metadata: { bytecodeHash: "none", appendCBOR: false },
};
// An account of its own has more to do than one by delegation, and must still fit into 24,576 bytes.
const CLONE_SETTINGS = { ...SETTINGS, optimizer: { enabled: true, runs: 1_000 } };
// What most tokens on public chains are compiled with: gas is measured against such a one.
const COMMON_SETTINGS = { ...SETTINGS, viaIR: false, optimizer: { enabled: true, runs: 200 } };

// "Transient storage can break composability": said of every use. `Vouching` takes its one word back in the frame below.
const EXPECTED_WARNINGS = new Set(["2394"]);

const OUTPUTS = ["abi", "evm.bytecode.object", "evm.deployedBytecode.object"];

const TARGETS = [
  { source: "Account.sol", contract: "Account", to: "src/valetkey/contracts" },
  { source: "CloneAccount.sol", contract: "CloneAccount", to: "src/valetkey/contracts", settings: CLONE_SETTINGS },
  { source: "CloneFactory.sol", contract: "CloneFactory", to: "src/valetkey/contracts" },
  { source: "demo/DemoToken.sol", contract: "DemoToken", to: "src/valetkey/contracts" },
  { source: "test/Targets.sol", contract: "ReenteringTarget", to: "tests/chain/contracts" },
  { source: "test/Targets.sol", contract: "BombTarget", to: "tests/chain/contracts" },
  { source: "test/Targets.sol", contract: "FailingTarget", to: "tests/chain/contracts" },
  { source: "test/HarnessToken.sol", contract: "HarnessToken", to: "tests/chain/contracts", settings: COMMON_SETTINGS },
  { source: "test/Adversary.sol", contract: "Adversary", to: "tests/chain/contracts" },
  { source: "test/Adversary.sol", contract: "Router", to: "tests/chain/contracts" },
  { source: "test/Adversary.sol", contract: "HookedToken", to: "tests/chain/contracts" },
];

function readSource(path) {
  const file = path.startsWith("@") ? nodeRequire.resolve(path) : join(here, "evm", path);
  return readFileSync(file, "utf8").replaceAll("\r\n", "\n");
}

function findImport(path) {
  try {
    return { contents: readSource(path) };
  } catch {
    return { error: `no such source: ${path}` };
  }
}

function compile(targets, settings) {
  const input = {
    language: "Solidity",
    sources: Object.fromEntries(targets.map(({ source }) => [source, { content: readSource(source) }])),
    settings: { ...settings, outputSelection: { "*": { "*": OUTPUTS } } },
  };
  const output = JSON.parse(solc.compile(JSON.stringify(input), { import: findImport }));
  const unexpected = (output.errors ?? []).filter(({ errorCode }) => !EXPECTED_WARNINGS.has(errorCode));
  const messages = unexpected.map((error) => error.formattedMessage);
  if (messages.length > 0) throw new Error(messages.join("\n"));
  return targets.map((target) => artefact(target, settings, output.contracts[target.source][target.contract]));
}

// The first thing that code does: PUSH1 0x80, perhaps DUP1, PUSH1 0x40, MSTORE. The compiler keeps variables at 0x80, and
// lets free memory begin behind them, when the stack has no room; `Run` keeps its facts there.
const FREE_MEMORY_AT_80 = /^6080(80)?604052/;

function artefact({ source, contract, to }, settings, compiled) {
  if (!FREE_MEMORY_AT_80.test(compiled.evm.deployedBytecode.object)) {
    throw new Error(`expected free memory of ${contract} to begin at 0x80, got variables there`);
  }
  const document = {
    contract,
    source: `contracts/evm/${source}`,
    compiler: { name: "solc", version: solc.version().replace(/\.Emscripten\.clang$/, ""), settings },
    abi: compiled.abi,
    bytecode: `0x${compiled.evm.bytecode.object}`,
    runtime: `0x${compiled.evm.deployedBytecode.object}`,
  };
  return { path: join(to, `${contract}.json`), text: `${JSON.stringify(document, null, 2)}\n` };
}

function readIfThere(path) {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return null;
  }
}

if (!solc.version().startsWith(`${SOLC}+`)) throw new Error(`expected solc ${SOLC}, got ${solc.version()}`);
const isCheck = process.argv.includes("--check");
const different = [];
for (const settings of [SETTINGS, CLONE_SETTINGS, COMMON_SETTINGS]) {
  const targets = TARGETS.filter((target) => (target.settings ?? SETTINGS) === settings);
  for (const { path, text } of compile(targets, settings)) {
    if (!isCheck) {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), text);
    } else if (readIfThere(join(root, path)) !== text) {
      different.push(path);
    }
  }
}
if (different.length > 0) {
  console.error(`expected what the sources compile to, got something else: ${different.join(", ")}`);
  process.exitCode = 1;
}
