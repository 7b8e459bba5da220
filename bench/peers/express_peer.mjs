// express-session with a store on better-sqlite3.
import express from "express";
import session from "express-session";
import { facts, isBackend, isDue, isOpen, now, openDatabase, opened, serve } from "./common.mjs";

/** What the documentation of express-session asks of a store. */
class SqliteStore extends session.Store {
  constructor(database) {
    super();
    database.exec(
      `CREATE TABLE IF NOT EXISTS sessions (
        sid TEXT PRIMARY KEY, expires_at INTEGER, last_used_at INTEGER, body TEXT
      ) WITHOUT ROWID`,
    );
    this.found = database.prepare("SELECT * FROM sessions WHERE sid = ?");
    this.put = database.prepare("INSERT OR REPLACE INTO sessions VALUES (?, ?, ?, ?)");
    this.used = database.prepare("UPDATE sessions SET last_used_at = ? WHERE sid = ?");
    this.drop = database.prepare("DELETE FROM sessions WHERE sid = ?");
  }

  get(sid, done) {
    const row = this.found.get(sid);
    if (row === undefined || now() >= row.expires_at) return done(null, null);
    return done(null, { ...JSON.parse(row.body), lastUsedAt: row.last_used_at });
  }

  set(sid, value, done) {
    const { lastUsedAt, ...kept } = value;
    this.put.run(sid, kept.session.expires_at, now(), JSON.stringify(kept));
    done?.(null);
  }

  touch(sid, value, done) {
    if (isDue(value.lastUsedAt)) this.used.run(now(), sid);
    done?.(null);
  }

  destroy(sid, done) {
    this.drop.run(sid);
    done?.(null);
  }
}

const app = express();
app.use(
  session({
    secret: facts.secret,
    store: new SqliteStore(openDatabase()),
    resave: false,
    saveUninitialized: false,
  }),
);

app.get("/session", (request, response) => {
  const { session: found, lastUsedAt } = request.session;
  if (!isOpen(found)) return response.status(401).json({ error: "no session" });
  return response.json({ ...found, last_used_at: lastUsedAt });
});

app.post("/sessions", (request, response) => {
  if (!isBackend(request.headers)) return response.status(401).json({ error: "no key" });
  request.session.session = opened();
  return request.session.save(() => response.status(201).json(request.session.session));
});

serve(app);
