-- Ordered endpoints: which server sends to each now. The lease is that server's in servers. fence counts the changes of
-- owner: a result is written only while the lane still has the fence under which the request was sent. edits counts
-- changes of what waits that new rows do not tell of.
CREATE TABLE IF NOT EXISTS webhook_lanes (
  webhook_id BIGINT NOT NULL,
  tenant_id VARCHAR(64) NOT NULL,
  owner VARCHAR(64) NOT NULL DEFAULT '',
  fence BIGINT NOT NULL DEFAULT 0,
  edits BIGINT NOT NULL DEFAULT 0,
  PRIMARY KEY (webhook_id),
  KEY webhook_lanes_owner (owner)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- Deliveries that wait for their turn in a lane, or are being sent by its owner; webhook_logs says '-' of what they wait for.
-- Those of one queue, a hash of the subject or 0 for strict, go one at a time by log_id.
CREATE TABLE IF NOT EXISTS webhook_lane_queue (
  webhook_id BIGINT NOT NULL,
  queue BIGINT NOT NULL,
  log_id BIGINT NOT NULL,
  tenant_id VARCHAR(64) NOT NULL,
  due_at BIGINT NOT NULL,
  PRIMARY KEY (webhook_id, queue, log_id),
  KEY webhook_lane_queue_log (webhook_id, log_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
