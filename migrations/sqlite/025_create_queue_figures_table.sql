-- Sums over the entries and legs of queues that ended on a day of the tenant's ('day') or in a minute of UTC ('minute'), both counted
-- from 1970-01-01.
CREATE TABLE IF NOT EXISTS queue_figures (
  tenant_id TEXT NOT NULL,
  queue_id TEXT NOT NULL,
  span TEXT NOT NULL,
  number INTEGER NOT NULL,
  offered INTEGER NOT NULL,
  answered INTEGER NOT NULL,
  answered_in_time INTEGER NOT NULL,
  abandoned INTEGER NOT NULL,
  abandoned_in_time INTEGER NOT NULL,
  short_abandoned INTEGER NOT NULL,
  timed_out INTEGER NOT NULL,
  answered_wait_ms INTEGER NOT NULL,
  abandoned_wait_ms INTEGER NOT NULL,
  max_wait_ms INTEGER NOT NULL,
  handled INTEGER NOT NULL,
  talk_ms INTEGER NOT NULL,
  hold_ms INTEGER NOT NULL,
  wrap_up_ms INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, queue_id, span, number)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS queue_figures_age ON queue_figures (span, number);

-- What this table replaces, where a build from before the first release has made it.
DROP TABLE IF EXISTS queue_days;
