-- Deliveries that were given up, so that the few can be listed without looking through the many. webhook_logs says what
-- became of each.
CREATE TABLE IF NOT EXISTS webhook_failures (
  tenant_id TEXT NOT NULL,
  log_id INTEGER NOT NULL,
  webhook_id INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, log_id)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS webhook_failures_webhook ON webhook_failures (tenant_id, webhook_id, log_id);
