-- Attempts of deliveries that did not succeed at once. A first attempt that succeeded stands in webhook_logs alone.
CREATE TABLE IF NOT EXISTS webhook_attempts (
  tenant_id VARCHAR(64) NOT NULL,
  log_id BIGINT NOT NULL,
  attempt BIGINT NOT NULL,
  attempted_at BIGINT NOT NULL,
  http_status BIGINT NULL,
  duration_ms BIGINT NOT NULL,
  error VARCHAR(500) NULL,
  response_body TEXT NULL,
  PRIMARY KEY (tenant_id, log_id, attempt)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- Finished deliveries and answered attempts, added up by webhook and minute, so that statistics need not count rows.
-- to_N_ms counts the answered attempts that took N ms at most and more than the column before says.
CREATE TABLE IF NOT EXISTS webhook_rollups (
  tenant_id VARCHAR(64) NOT NULL,
  webhook_id BIGINT NOT NULL,
  minute_at BIGINT NOT NULL,
  successful BIGINT NOT NULL DEFAULT 0,
  failed BIGINT NOT NULL DEFAULT 0,
  latency_ms_sum BIGINT NOT NULL DEFAULT 0,
  latency_count BIGINT NOT NULL DEFAULT 0,
  to_1_ms BIGINT NOT NULL DEFAULT 0,
  to_2_ms BIGINT NOT NULL DEFAULT 0,
  to_5_ms BIGINT NOT NULL DEFAULT 0,
  to_10_ms BIGINT NOT NULL DEFAULT 0,
  to_20_ms BIGINT NOT NULL DEFAULT 0,
  to_50_ms BIGINT NOT NULL DEFAULT 0,
  to_100_ms BIGINT NOT NULL DEFAULT 0,
  to_200_ms BIGINT NOT NULL DEFAULT 0,
  to_500_ms BIGINT NOT NULL DEFAULT 0,
  to_1000_ms BIGINT NOT NULL DEFAULT 0,
  to_2000_ms BIGINT NOT NULL DEFAULT 0,
  to_5000_ms BIGINT NOT NULL DEFAULT 0,
  to_10000_ms BIGINT NOT NULL DEFAULT 0,
  to_20000_ms BIGINT NOT NULL DEFAULT 0,
  to_60000_ms BIGINT NOT NULL DEFAULT 0,
  PRIMARY KEY (tenant_id, webhook_id, minute_at),
  KEY webhook_rollups_minute_at (minute_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- How each endpoint fares. Apart from webhooks, so that deliveries never lock what people edit.
-- told: 1 after webhook.failing, 2 after the one a day before the end, 3 after the end; 0 again with the next success.
-- paused_until: the endpoint asked all servers to leave it alone until then.
CREATE TABLE IF NOT EXISTS webhook_health (
  tenant_id VARCHAR(64) NOT NULL,
  webhook_id BIGINT NOT NULL,
  consecutive_failures BIGINT NOT NULL DEFAULT 0,
  failing_since BIGINT NULL,
  paused_until BIGINT NULL,
  told BIGINT NOT NULL DEFAULT 0,
  last_success_at BIGINT NULL,
  last_delivery_at BIGINT NULL,
  last_status BIGINT NULL,
  last_error VARCHAR(500) NULL,
  PRIMARY KEY (tenant_id, webhook_id),
  KEY webhook_health_failing (failing_since),
  KEY webhook_health_paused (paused_until)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
