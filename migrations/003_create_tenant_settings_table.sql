-- What a tenant has set otherwise than the product does. JSON, so that a setting is no migration.
CREATE TABLE IF NOT EXISTS tenant_settings (
  tenant_id VARCHAR(64) NOT NULL,
  settings TEXT NOT NULL,
  updated_at BIGINT NOT NULL,
  PRIMARY KEY (tenant_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
