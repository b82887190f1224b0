-- Attempts of deliveries that did not succeed at once. A first attempt that succeeded stands in webhook_logs alone.
CREATE TABLE IF NOT EXISTS webhook_attempts (
  tenant_id TEXT NOT NULL,
  log_id INTEGER NOT NULL,
  attempt INTEGER NOT NULL,
  attempted_at INTEGER NOT NULL,
  http_status INTEGER NULL,
  duration_ms INTEGER NOT NULL,
  error TEXT NULL,
  response_body TEXT NULL,
  PRIMARY KEY (tenant_id, log_id, attempt)
) WITHOUT ROWID;

-- Finished deliveries and answered attempts, added up by webhook and minute, so that statistics need not count rows.
-- to_N_ms counts the answered attempts that took N ms at most and more than the column before says.
CREATE TABLE IF NOT EXISTS webhook_rollups (
  tenant_id TEXT NOT NULL,
  webhook_id INTEGER NOT NULL,
  minute_at INTEGER NOT NULL,
  successful INTEGER NOT NULL DEFAULT 0,
  failed INTEGER NOT NULL DEFAULT 0,
  latency_ms_sum INTEGER NOT NULL DEFAULT 0,
  latency_count INTEGER NOT NULL DEFAULT 0,
  to_1_ms INTEGER NOT NULL DEFAULT 0,
  to_2_ms INTEGER NOT NULL DEFAULT 0,
  to_5_ms INTEGER NOT NULL DEFAULT 0,
  to_10_ms INTEGER NOT NULL DEFAULT 0,
  to_20_ms INTEGER NOT NULL DEFAULT 0,
  to_50_ms INTEGER NOT NULL DEFAULT 0,
  to_100_ms INTEGER NOT NULL DEFAULT 0,
  to_200_ms INTEGER NOT NULL DEFAULT 0,
  to_500_ms INTEGER NOT NULL DEFAULT 0,
  to_1000_ms INTEGER NOT NULL DEFAULT 0,
  to_2000_ms INTEGER NOT NULL DEFAULT 0,
  to_5000_ms INTEGER NOT NULL DEFAULT 0,
  to_10000_ms INTEGER NOT NULL DEFAULT 0,
  to_20000_ms INTEGER NOT NULL DEFAULT 0,
  to_60000_ms INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (tenant_id, webhook_id, minute_at)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS webhook_rollups_minute_at ON webhook_rollups (minute_at);

-- How each endpoint fares. Apart from webhooks, so that deliveries never lock what people edit.
-- told: 1 after webhook.failing, 2 after the one a day before the end, 3 after the end; 0 again with the next success.
-- paused_until: the endpoint asked all servers to leave it alone until then.
CREATE TABLE IF NOT EXISTS webhook_health (
  tenant_id TEXT NOT NULL,
  webhook_id INTEGER NOT NULL,
  consecutive_failures INTEGER NOT NULL DEFAULT 0,
  failing_since INTEGER NULL,
  paused_until INTEGER NULL,
  told INTEGER NOT NULL DEFAULT 0,
  last_success_at INTEGER NULL,
  last_delivery_at INTEGER NULL,
  last_status INTEGER NULL,
  last_error TEXT NULL,
  PRIMARY KEY (tenant_id, webhook_id)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS webhook_health_failing ON webhook_health (failing_since) WHERE failing_since IS NOT NULL;
CREATE INDEX IF NOT EXISTS webhook_health_paused ON webhook_health (paused_until) WHERE paused_until IS NOT NULL;
