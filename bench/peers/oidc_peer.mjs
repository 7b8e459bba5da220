// oidc-provider: introspection (RFC 7662) of opaque tokens that an adapter keeps on better-sqlite3.
import { Provider } from "oidc-provider";
import { facts, isDue, now, openDatabase, opened, serve } from "./common.mjs";

const database = openDatabase();
database.exec(
  `CREATE TABLE IF NOT EXISTS models (
    id TEXT PRIMARY KEY, expires_at INTEGER, last_used_at INTEGER, body TEXT
  ) WITHOUT ROWID`,
);
const put = database.prepare("INSERT OR REPLACE INTO models VALUES (?, ?, ?, ?)");
const found = database.prepare("SELECT * FROM models WHERE id = ?");
const used = database.prepare("UPDATE models SET last_used_at = ? WHERE id = ?");
const drop = database.prepare("DELETE FROM models WHERE id = ?");

/** What the documentation of oidc-provider asks of an adapter, as far as tokens need it. */
class SqliteAdapter {
  constructor(name) {
    this.name = name;
  }

  key(id) {
    return `${this.name}:${id}`;
  }

  async upsert(id, payload, life) {
    put.run(this.key(id), now() + life, now(), JSON.stringify(payload));
  }

  async find(id) {
    const key = this.key(id);
    const row = found.get(key);
    if (row === undefined || now() >= row.expires_at) return undefined;
    if (isDue(row.last_used_at)) used.run(now(), key);
    return JSON.parse(row.body);
  }

  async destroy(id) {
    drop.run(this.key(id));
  }

  async consume() {}
  async findByUserCode() {}
  async findByUid() {}
  async revokeByGrantId() {}
}

const provider = new Provider("http://127.0.0.1", {
  adapter: SqliteAdapter,
  clients: [
    {
      client_id: "backend",
      client_secret: facts.secret,
      grant_types: ["client_credentials"],
      redirect_uris: [],
      response_types: [],
      token_endpoint_auth_method: "client_secret_post",
    },
  ],
  features: {
    clientCredentials: { enabled: true },
    devInteractions: { enabled: false },
    introspection: { enabled: true },
  },
  extraTokenClaims: () => opened(),
  scopes: ["read"],
  ttl: { ClientCredentials: facts.life_s },
});

serve(provider.callback());
