-- Replays that are not done: events from after_seq (exclusive; it moves on) to until_seq (inclusive) are sent again.
-- only_what is failed, missing, or NULL for all.
CREATE TABLE IF NOT EXISTS webhook_replays (
  id BIGINT NOT NULL AUTO_INCREMENT,
  tenant_id VARCHAR(64) NOT NULL,
  webhook_id BIGINT NOT NULL,
  only_what VARCHAR(8) NULL,
  after_seq BIGINT NOT NULL,
  until_seq BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (id),
  KEY webhook_replays_webhook (tenant_id, webhook_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
