-- Who came online and who went, as whichever server found out, for every server to tell its own listeners. Kept for an hour.
CREATE TABLE IF NOT EXISTS presence_edges (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  tenant_id TEXT NOT NULL,
  user_id TEXT NOT NULL,
  event_id TEXT NOT NULL,
  found_at INTEGER NOT NULL,
  -- Online with so many connections; NULL is offline, and the next two tell since when and why.
  connections INTEGER NULL,
  last_seen_at INTEGER NULL,
  reason TEXT NULL,
  written_at INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS presence_edges_written_at ON presence_edges (written_at);
