-- People who sign in. email_key is the address in lower case, unique over all tenants.
CREATE TABLE IF NOT EXISTS users (
  tenant_id TEXT NOT NULL,
  id TEXT NOT NULL,
  email TEXT NOT NULL,
  email_key TEXT NOT NULL,
  password_hash TEXT NOT NULL,
  name TEXT NOT NULL,
  role TEXT NOT NULL,
  extension TEXT NULL,
  is_active BOOLEAN NOT NULL DEFAULT TRUE,
  last_seen_at INTEGER NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, id)
) WITHOUT ROWID;
CREATE UNIQUE INDEX IF NOT EXISTS users_email_key ON users (email_key);
