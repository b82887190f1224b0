-- Webhook deliveries: queue and log in one. id counts per tenant. waits is empty while a pending delivery waits to be
-- claimed, '-' while it waits in its lane (webhook_lane_queue), and NULL once a server has it or it is done. sender is
-- the server that has it in memory and sends it: no index knows it, so that a delivery that goes from hand to hand costs
-- none, and webhook_blocks tells where a server's are. next_attempt_at is NULL for a new one that a server has.
-- payload is kept here only where the event log does not hold it, and then event_at says when the event was written, if
-- that is not created_at.
-- attempts counts them all, retries those of the schedule that are used up.
CREATE TABLE IF NOT EXISTS webhook_logs (
  tenant_id VARCHAR(64) NOT NULL,
  id BIGINT NOT NULL,
  webhook_id BIGINT NOT NULL,
  event_id VARCHAR(64) NOT NULL,
  event_seq BIGINT NULL,
  event VARCHAR(100) NOT NULL,
  subject VARCHAR(200) NULL,
  status VARCHAR(8) NOT NULL,
  attempts BIGINT NOT NULL DEFAULT 0,
  retries BIGINT NOT NULL DEFAULT 0,
  http_status BIGINT NULL,
  response_time_ms BIGINT NULL,
  error VARCHAR(500) NULL,
  response_body TEXT NULL,
  waits VARCHAR(1) NULL,
  sender VARCHAR(64) NULL,
  next_attempt_at BIGINT NULL,
  created_at BIGINT NOT NULL,
  completed_at BIGINT NULL,
  payload MEDIUMTEXT NULL,
  event_at BIGINT NULL,
  PRIMARY KEY (tenant_id, id),
  KEY webhook_logs_due (waits, webhook_id, next_attempt_at),
  KEY webhook_logs_webhook (tenant_id, webhook_id, id),
  KEY webhook_logs_event (tenant_id, event_seq, webhook_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
