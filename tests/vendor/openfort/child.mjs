// The other side of the SDK's message poster: the same source as our frame, in Node, where it has no window and no
// IndexedDB. It is bundled for the time of the test, and speaks Penpal's older messages, as the SDK does there.
import { connect } from "penpal";
import { Api } from "../../../pages/openfort/src/api.ts";
import { signer } from "../../../pages/openfort/src/signer.ts";

/** Return what takes the SDK's messages; *post* brings answers to it, and *rows* is what this device keeps. */
export function child(root, key, rows, post) {
  const messenger = new Poster(post);
  const device = {
    keep: async ({ secret, ...place }) => void rows.set(place.player, { ...place, secret: Uint8Array.from(secret) }),
    find: async (player) => {
      const row = rows.get(player);
      return row ? { ...row, secret: Uint8Array.from(row.secret) } : null;
    },
    forget: async (player) => void rows.delete(player),
  };
  connect({ messenger, methods: { ...signer(new Api(root, key), device) } }).promise.catch(() => undefined);
  return (message) => messenger.take(message);
}

class Poster {
  #post;
  #handlers = new Set();

  constructor(post) {
    this.#post = post;
  }

  initialize = () => undefined;
  addMessageHandler = (handler) => void this.#handlers.add(handler);
  removeMessageHandler = (handler) => void this.#handlers.delete(handler);
  destroy = () => this.#handlers.clear();
  sendMessage = (message) => this.#post(older(message));

  take(message) {
    const found = newer(message);
    if (found) for (const handler of [...this.#handlers]) handler(found);
  }
}

function newer({ penpal, ...rest }) {
  const message = { namespace: "penpal", channel: undefined };
  if (penpal === "syn") return { ...message, type: "SYN", participantId: rest.participantId };
  if (penpal === "synAck") return { ...message, type: "ACK1", methodPaths: rest.methodNames.map((name) => name.split(".")) };
  if (penpal === "ack") return { ...message, type: "ACK2" };
  if (penpal === "call") {
    return { ...message, type: "CALL", id: rest.id, methodPath: rest.methodName.split("."), args: rest.args };
  }
  return null;
}

function older(message) {
  if (message.type === "SYN") return { penpal: "syn", participantId: message.participantId };
  if (message.type === "ACK1") return { penpal: "synAck", methodNames: message.methodPaths.map((path) => path.join(".")) };
  if (message.type === "ACK2") return { penpal: "ack" };
  const { callId: id, value: returnValue, isError, isSerializedErrorInstance: returnValueIsError } = message;
  if (!isError) return { penpal: "reply", id, resolution: "fulfilled", returnValue };
  return { penpal: "reply", id, resolution: "rejected", returnValue, returnValueIsError };
}
