// Openfort's browser SDK, unmodified, in a page of an app: what the test tells it to do. The page's URL says where we are.
import { Openfort } from "@openfort/openfort-js";
import { actsOf, told } from "./acts.mjs";

const { ours, key } = Object.fromEntries(new URL(location.href).searchParams);
let openfort;
const acts = {
  ...actsOf(() => openfort),
  begin() {
    openfort = new Openfort({
      baseConfiguration: { publishableKey: key },
      shieldConfiguration: { shieldPublishableKey: "not asked" },
      overrides: { backendUrl: ours, iframeUrl: ours, shieldUrl: "https://shield.invalid" },
      disableTelemetry: true,
    });
  },
  storage: () => ({ ...localStorage }),
};

globalThis.ask = (act, args) => told(async () => acts[act](args));
