-- Ordered endpoints: which server sends to each now. The lease is that server's in servers. fence counts the changes of
-- owner: a result is written only while the lane still has the fence under which the request was sent. edits counts
-- changes of what waits that new rows do not tell of.
CREATE TABLE IF NOT EXISTS webhook_lanes (
  webhook_id INTEGER PRIMARY KEY,
  tenant_id TEXT NOT NULL,
  owner TEXT NOT NULL DEFAULT '',
  fence INTEGER NOT NULL DEFAULT 0,
  edits INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX IF NOT EXISTS webhook_lanes_owner ON webhook_lanes (owner);

-- Deliveries that wait for their turn in a lane, or are being sent by its owner; webhook_logs says '-' of what they wait for.
-- Those of one queue, a hash of the subject or 0 for strict, go one at a time by log_id.
CREATE TABLE IF NOT EXISTS webhook_lane_queue (
  webhook_id INTEGER NOT NULL,
  queue INTEGER NOT NULL,
  log_id INTEGER NOT NULL,
  tenant_id TEXT NOT NULL,
  due_at INTEGER NOT NULL,
  PRIMARY KEY (webhook_id, queue, log_id)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS webhook_lane_queue_log ON webhook_lane_queue (webhook_id, log_id);
