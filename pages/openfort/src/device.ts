/** What this device keeps of a key: encrypted by a key of the browser's that no script can read. */
import { type Bytes } from "./bytes.ts";

/** Which key it is, for which account. */
export interface Place {
  player: string;
  account: string;
  address: string;
  accountType: string;
  deviceID: string;
}

export interface Kept extends Place {
  secret: Bytes;
}

/** Keeps one key for each player of one publishable key. */
export interface Device {
  keep(kept: Kept): Promise<unknown>;
  find(player: string): Promise<Kept | null>;
  forget(player: string): Promise<unknown>;
}

interface Row extends Place {
  id: string;
  wrap: CryptoKey;
  iv: Bytes;
  data: ArrayBuffer;
}

const NAME = "valetkey-openfort";
const ROWS = "keys";
const IV_BYTES = 12;

/**
 * Return the device that keeps keys in this origin's IndexedDB, where the page around this frame cannot reach. A browser
 * that lets frames of other sites keep nothing has them forgotten with the page: their users recover them then.
 */
export function browserDevice(publishableKey: string): Device {
  const device = indexedDevice(publishableKey);
  return {
    keep: (kept) => device.keep(kept).catch(refusedByBrowser),
    find: (player) => device.find(player).catch(refusedByBrowser),
    forget: (player) => device.forget(player).catch(refusedByBrowser),
  };
}

function refusedByBrowser(error: unknown): null {
  if (error instanceof DOMException) return null;
  throw error;
}

function indexedDevice(publishableKey: string): Device {
  const idOf = (player: string) => `${publishableKey}/${player}`;
  return {
    async keep({ secret, ...place }) {
      const wrap = await crypto.subtle.generateKey({ name: "AES-GCM", length: 256 }, false, ["encrypt", "decrypt"]);
      const iv = crypto.getRandomValues(new Uint8Array(IV_BYTES));
      const data = await crypto.subtle.encrypt({ name: "AES-GCM", iv }, wrap, secret);
      const row: Row = { ...place, id: idOf(place.player), wrap, iv, data };
      await inRows("readwrite", (rows) => rows.put(row));
    },
    async find(player) {
      const row = (await inRows("readonly", (rows) => rows.get(idOf(player)))) as Row | undefined;
      if (row === undefined) return null;
      const { id: _id, wrap, iv, data, ...place } = row;
      return { ...place, secret: new Uint8Array(await crypto.subtle.decrypt({ name: "AES-GCM", iv }, wrap, data)) };
    },
    async forget(player) {
      await inRows("readwrite", (rows) => rows.delete(idOf(player)));
    },
  };
}

async function inRows(mode: IDBTransactionMode, act: (rows: IDBObjectStore) => IDBRequest): Promise<unknown> {
  const opening = indexedDB.open(NAME, 1);
  opening.onupgradeneeded = () => opening.result.createObjectStore(ROWS, { keyPath: "id" });
  const database = (await done(opening)) as IDBDatabase;
  try {
    const transaction = database.transaction(ROWS, mode);
    const result = await done(act(transaction.objectStore(ROWS)));
    return result;
  } finally {
    database.close();
  }
}

function done(request: IDBRequest): Promise<unknown> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new Error("the browser keeps nothing here"));
  });
}
