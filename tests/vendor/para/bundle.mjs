// Bundles the page of the browser test, for the time of the test:  node bundle.mjs <file to write>
import { build } from "esbuild";

await build({
  entryPoints: ["browser.mjs"],
  bundle: true,
  format: "iife",
  define: { global: "globalThis" },
  external: ["@farcaster/miniapp-sdk"],
  outfile: process.argv[2],
  logLevel: "error",
});
