-- What a tenant has set otherwise than the product does. JSON, so that a setting is no migration.
CREATE TABLE IF NOT EXISTS tenant_settings (
  tenant_id TEXT NOT NULL,
  settings TEXT NOT NULL,
  updated_at INTEGER NOT NULL,
  PRIMARY KEY (tenant_id)
) WITHOUT ROWID;
