-- The event log: per tenant 1, 2, 3 … without a gap. The payload is text, so that it stays as it was written.
CREATE TABLE IF NOT EXISTS events (
  tenant_id TEXT NOT NULL,
  seq INTEGER NOT NULL,
  id TEXT NOT NULL,
  event TEXT NOT NULL,
  subject TEXT NULL,
  audience TEXT NULL,
  payload TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, seq)
) WITHOUT ROWID;
