-- Webhook endpoints. events is a JSON list of names and prefixes; timeout is in seconds. Servers notice edits made by
-- hand within seconds.
CREATE TABLE IF NOT EXISTS webhooks (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  tenant_id TEXT NOT NULL,
  name TEXT NOT NULL,
  url TEXT NOT NULL,
  events TEXT NOT NULL,
  secret TEXT NOT NULL,
  previous_secret TEXT NULL,
  previous_secret_until INTEGER NULL,
  is_active BOOLEAN NOT NULL DEFAULT TRUE,
  retry_count INTEGER NOT NULL DEFAULT 7,
  timeout INTEGER NOT NULL DEFAULT 30,
  ordering TEXT NOT NULL DEFAULT 'none',
  mask_personal_data BOOLEAN NOT NULL DEFAULT FALSE,
  headers TEXT NULL,
  description TEXT NULL,
  disabled_reason TEXT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS webhooks_tenant ON webhooks (tenant_id, id);
