-- Webhook endpoints. events is a JSON list of names and prefixes; timeout is in seconds. Servers notice edits made by
-- hand within seconds.
CREATE TABLE IF NOT EXISTS webhooks (
  id BIGINT NOT NULL AUTO_INCREMENT,
  tenant_id VARCHAR(64) NOT NULL,
  name VARCHAR(200) NOT NULL,
  url VARCHAR(2048) NOT NULL,
  events TEXT NOT NULL,
  secret VARCHAR(512) NOT NULL,
  previous_secret VARCHAR(512) NULL,
  previous_secret_until BIGINT NULL,
  is_active BOOLEAN NOT NULL DEFAULT TRUE,
  retry_count BIGINT NOT NULL DEFAULT 7,
  timeout BIGINT NOT NULL DEFAULT 30,
  ordering VARCHAR(16) NOT NULL DEFAULT 'none',
  mask_personal_data BOOLEAN NOT NULL DEFAULT FALSE,
  headers TEXT NULL,
  description VARCHAR(1000) NULL,
  disabled_reason VARCHAR(32) NULL,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  PRIMARY KEY (id),
  KEY webhooks_tenant (tenant_id, id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
