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
const solc = createRequire(join(process.env.VALETKEY_NODE_ROOT ?? root, "package.json"))("solc");

const SETTINGS = {
  viaIR: true,
  optimizer: { enabled: true, runs: 1_000_000 },
  evmVersion: "prague",
  // No metadata at the end of the bytecode: it would change with every comment.
  metadata: { bytecodeHash: "none", appendCBOR: false },
};

const OUTPUTS = ["abi", "evm.bytecode.object", "evm.deployedBytecode.object"];

const TARGETS = [
  { source: "Account.sol", contract: "Account", to: "src/valetkey/contracts" },
  { source: "demo/DemoToken.sol", contract: "DemoToken", to: "src/valetkey/contracts" },
  { source: "test/Targets.sol", contract: "ReenteringTarget", to: "tests/chain/contracts" },
  { source: "test/Targets.sol", contract: "BombTarget", to: "tests/chain/contracts" },
  { source: "test/Targets.sol", contract: "FailingTarget", to: "tests/chain/contracts" },
];

function readSource(path) {
  return readFileSync(join(here, "evm", path), "utf8").replaceAll("\r\n", "\n");
}

function compile() {
  const version = solc.version();
  if (!version.startsWith(`${SOLC}+`)) throw new Error(`expected solc ${SOLC}, got ${version}`);
  const input = {
    language: "Solidity",
    sources: Object.fromEntries(TARGETS.map(({ source }) => [source, { content: readSource(source) }])),
    settings: { ...SETTINGS, outputSelection: { "*": { "*": OUTPUTS } } },
  };
  const output = JSON.parse(
    solc.compile(JSON.stringify(input), {
      import: (path) => {
        try {
          return { contents: readSource(path) };
        } catch {
          return { error: `no such source: ${path}` };
        }
      },
    }),
  );
  const messages = (output.errors ?? []).map((error) => error.formattedMessage);
  if (messages.length > 0) throw new Error(messages.join("\n"));
  return { version, contracts: output.contracts };
}

function artefact(version, { source, contract }, compiled) {
  const document = {
    contract,
    source: `contracts/evm/${source}`,
    compiler: { name: "solc", version: version.replace(/\.Emscripten\.clang$/, ""), settings: SETTINGS },
    abi: compiled.abi,
    bytecode: `0x${compiled.evm.bytecode.object}`,
    runtime: `0x${compiled.evm.deployedBytecode.object}`,
  };
  return `${JSON.stringify(document, null, 2)}\n`;
}

function readIfThere(path) {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return null;
  }
}

const isCheck = process.argv.includes("--check");
const { version, contracts } = compile();
const different = [];
for (const target of TARGETS) {
  const path = join(target.to, `${target.contract}.json`);
  const text = artefact(version, target, contracts[target.source][target.contract]);
  if (isCheck) {
    if (readIfThere(join(root, path)) !== text) different.push(path);
  } else {
    mkdirSync(join(root, target.to), { recursive: true });
    writeFileSync(join(root, path), text);
  }
}
if (different.length > 0) {
  console.error(`expected what the sources compile to, got something else: ${different.join(", ")}`);
  process.exitCode = 1;
}
