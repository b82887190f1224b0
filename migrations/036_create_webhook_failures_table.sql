-- Deliveries that were given up, so that the few can be listed without looking through the many. webhook_logs says what
-- became of each.
CREATE TABLE IF NOT EXISTS webhook_failures (
  tenant_id VARCHAR(64) NOT NULL,
  log_id BIGINT NOT NULL,
  webhook_id BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, log_id),
  KEY webhook_failures_webhook (tenant_id, webhook_id, log_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
