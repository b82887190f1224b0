-- Webhook deliveries: queue and log in one. id counts per tenant. waits is empty while a pending delivery waits to be
-- claimed, '-' while it waits in its lane (webhook_lane_queue), and NULL once a server has it or it is done. sender is
-- the server that has it in memory and sends it: no index knows it, so that a delivery that goes from hand to hand costs
-- none, and webhook_blocks tells where a server's are. next_attempt_at is NULL for a new one that a server has.
-- payload is kept here only where the event log does not hold it, and then event_at says when the event was written, if
-- that is not created_at.
-- attempts counts them all, retries those of the schedule that are used up.
CREATE TABLE IF NOT EXISTS webhook_logs (
  tenant_id TEXT NOT NULL,
  id INTEGER NOT NULL,
  webhook_id INTEGER NOT NULL,
  event_id TEXT NOT NULL,
  event_seq INTEGER NULL,
  event TEXT NOT NULL,
  subject TEXT NULL,
  status TEXT NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0,
  retries INTEGER NOT NULL DEFAULT 0,
  http_status INTEGER NULL,
  response_time_ms INTEGER NULL,
  error TEXT NULL,
  response_body TEXT NULL,
  waits TEXT NULL,
  sender TEXT NULL,
  next_attempt_at INTEGER NULL,
  created_at INTEGER NOT NULL,
  completed_at INTEGER NULL,
  payload TEXT NULL,
  event_at INTEGER NULL,
  PRIMARY KEY (tenant_id, id)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS webhook_logs_due ON webhook_logs (waits, webhook_id, next_attempt_at) WHERE waits IS NOT NULL;
CREATE INDEX IF NOT EXISTS webhook_logs_webhook ON webhook_logs (tenant_id, webhook_id, id);
CREATE INDEX IF NOT EXISTS webhook_logs_event ON webhook_logs (tenant_id, event_seq, webhook_id);
