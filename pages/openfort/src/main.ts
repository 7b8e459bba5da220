/**
 * The frame in which the vendor's SDK has a player's key made, kept and used. It answers its own parent alone, and only
 * where that is a page of an origin that the publishable key names.
 */
import { WindowMessenger, connect } from "penpal";
import { Api } from "./api.ts";
import { browserDevice } from "./device.ts";
import { patterns } from "./origins.ts";
import { signer } from "./signer.ts";

const { origins = "", key = "" } = document.documentElement.dataset;
const named = origins.split(" ").filter((one) => one !== "");

if (parent !== window && named.length > 0) {
  const api = new Api(new URL("..", location.href).href, key);
  const messenger = new WindowMessenger({ remoteWindow: parent, allowedOrigins: patterns(named) });
  const { promise } = connect({ messenger, methods: { ...signer(api, browserDevice(key)) } });
  promise.catch(() => undefined); // whoever is not answered has no connection: there is nobody to tell
}
