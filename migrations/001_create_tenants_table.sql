-- Tenants, their counters, and what the platform remembers about itself.
-- Moments are milliseconds since 1970 (UTC): FROM_UNIXTIME(created_at / 1000) shows one.

CREATE TABLE IF NOT EXISTS tenants (
  id VARCHAR(64) NOT NULL,
  name VARCHAR(200) NOT NULL,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- One row a tenant. Whoever appends events locks it, so that numbers follow the order of commits without a gap.
CREATE TABLE IF NOT EXISTS tenant_sequences (
  tenant_id VARCHAR(64) NOT NULL,
  seq BIGINT NOT NULL DEFAULT 0,
  log_id BIGINT NOT NULL DEFAULT 0,
  webhooks_version BIGINT NOT NULL DEFAULT 0,
  PRIMARY KEY (tenant_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS platform (
  name VARCHAR(64) NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (name)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
