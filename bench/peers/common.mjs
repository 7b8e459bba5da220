// What the peers of the bench in Node share: the database, the facts, the start and the end.
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import Database from "better-sqlite3";

export const facts = JSON.parse(readFileSync(new URL("facts.json", import.meta.url)));

export const now = () => Math.floor(Date.now() / 1000);

/** Open the file that the command line names, with the settings that all peers have. */
export function openDatabase() {
  const database = new Database(process.argv[2]);
  database.pragma("journal_mode = WAL");
  database.pragma("synchronous = FULL");
  return database;
}

/** Return what a new session is. */
export function opened() {
  const at = now();
  return { ...facts.session, created_at: at, expires_at: at + facts.life_s };
}

/** Say whether a session may be used. */
export function isOpen(session) {
  return session?.state === "open" && now() < session.expires_at;
}

/** Say whether a use must be written down. */
export const isDue = (lastUsedAt) => now() - lastUsedAt >= facts.touch_s;

/** Say whether a request comes from the backend. */
export const isBackend = (headers) => headers.authorization === `Bearer ${facts.secret}`;

/** Serve until standard input ends. */
export function serve(handler) {
  const server = createServer(handler);
  server.keepAliveTimeout = 75_000;
  server.listen(0, "127.0.0.1", () => console.log(JSON.stringify({ port: server.address().port })));
  process.stdin.resume();
  process.stdin.on("end", () => process.exit(0));
}
