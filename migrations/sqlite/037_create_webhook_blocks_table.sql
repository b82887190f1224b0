-- Where a server's deliveries are: the blocks of 256 ids in which webhook_logs may have rows with that sender. Written with
-- the rows, and removed once none is left.
CREATE TABLE IF NOT EXISTS webhook_blocks (
  server_id TEXT NOT NULL,
  tenant_id TEXT NOT NULL,
  first_id INTEGER NOT NULL,
  PRIMARY KEY (server_id, tenant_id, first_id)
) WITHOUT ROWID;
