-- Running server processes. One whose lease is over is dead: others take over what it owned.
CREATE TABLE IF NOT EXISTS servers (
  id TEXT NOT NULL,
  started_at INTEGER NOT NULL,
  lease_until INTEGER NOT NULL,
  PRIMARY KEY (id)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS servers_lease_until ON servers (lease_until);
