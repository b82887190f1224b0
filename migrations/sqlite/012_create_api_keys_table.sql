-- Keys of programs. Only a hash of each is kept. scopes is a JSON list.
CREATE TABLE IF NOT EXISTS api_keys (
  tenant_id TEXT NOT NULL,
  id TEXT NOT NULL,
  name TEXT NOT NULL,
  key_hash TEXT NOT NULL,
  scopes TEXT NOT NULL,
  created_by TEXT NULL,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NULL,
  PRIMARY KEY (tenant_id, id)
) WITHOUT ROWID;
CREATE UNIQUE INDEX IF NOT EXISTS api_keys_key_hash ON api_keys (key_hash);
