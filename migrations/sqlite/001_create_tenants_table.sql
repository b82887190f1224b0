-- Tenants, their counters, and what the platform remembers about itself.
-- Moments are milliseconds since 1970 (UTC): datetime(created_at / 1000, 'unixepoch') shows one.

CREATE TABLE IF NOT EXISTS tenants (
  id TEXT NOT NULL,
  name TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  PRIMARY KEY (id)
) WITHOUT ROWID;

-- One row a tenant. Whoever appends events locks it, so that numbers follow the order of commits without a gap.
CREATE TABLE IF NOT EXISTS tenant_sequences (
  tenant_id TEXT NOT NULL,
  seq INTEGER NOT NULL DEFAULT 0,
  log_id INTEGER NOT NULL DEFAULT 0,
  webhooks_version INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (tenant_id)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS platform (
  name TEXT NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (name)
) WITHOUT ROWID;
