-- Sums over the entries and legs of queues that ended on a day of the tenant's ('day') or in a minute of UTC ('minute'), both counted
-- from 1970-01-01.
CREATE TABLE IF NOT EXISTS queue_figures (
  tenant_id VARCHAR(64) NOT NULL,
  queue_id VARCHAR(64) NOT NULL,
  span VARCHAR(8) NOT NULL,
  number BIGINT NOT NULL,
  offered BIGINT NOT NULL,
  answered BIGINT NOT NULL,
  answered_in_time BIGINT NOT NULL,
  abandoned BIGINT NOT NULL,
  abandoned_in_time BIGINT NOT NULL,
  short_abandoned BIGINT NOT NULL,
  timed_out BIGINT NOT NULL,
  answered_wait_ms BIGINT NOT NULL,
  abandoned_wait_ms BIGINT NOT NULL,
  max_wait_ms BIGINT NOT NULL,
  handled BIGINT NOT NULL,
  talk_ms BIGINT NOT NULL,
  hold_ms BIGINT NOT NULL,
  wrap_up_ms BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, queue_id, span, number),
  KEY queue_figures_age (span, number)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- What this table replaces, where a build from before the first release has made it.
DROP TABLE IF EXISTS queue_days;
