-- What agents did on a day of the tenant's, counted from 1970-01-01.
CREATE TABLE IF NOT EXISTS agent_days (
  tenant_id VARCHAR(64) NOT NULL,
  user_id VARCHAR(64) NOT NULL,
  day BIGINT NOT NULL,
  handled BIGINT NOT NULL,
  talk_ms BIGINT NOT NULL,
  hold_ms BIGINT NOT NULL,
  wrap_up_ms BIGINT NOT NULL,
  missed_offers BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, user_id, day),
  KEY agent_days_day (day)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
