-- Replays that are not done: events from after_seq (exclusive; it moves on) to until_seq (inclusive) are sent again.
-- only_what is failed, missing, or NULL for all.
CREATE TABLE IF NOT EXISTS webhook_replays (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  tenant_id TEXT NOT NULL,
  webhook_id INTEGER NOT NULL,
  only_what TEXT NULL,
  after_seq INTEGER NOT NULL,
  until_seq INTEGER NOT NULL,
  created_at INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS webhook_replays_webhook ON webhook_replays (tenant_id, webhook_id);
