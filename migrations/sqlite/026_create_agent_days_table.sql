-- What agents did on a day of the tenant's, counted from 1970-01-01.
CREATE TABLE IF NOT EXISTS agent_days (
  tenant_id TEXT NOT NULL,
  user_id TEXT NOT NULL,
  day INTEGER NOT NULL,
  handled INTEGER NOT NULL,
  talk_ms INTEGER NOT NULL,
  hold_ms INTEGER NOT NULL,
  wrap_up_ms INTEGER NOT NULL,
  missed_offers INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, user_id, day)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS agent_days_day ON agent_days (day);
