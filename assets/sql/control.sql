-- One row: the number that initdb gave this cluster and that its standbys share; and the timeline of a primary, which rises
-- with each promotion and with nothing else that happens while a server runs. Not every platform lets a role ask.
SELECT system_identifier::text AS system_identifier,
       CASE WHEN NOT pg_is_in_recovery()
            THEN ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int END AS timeline
  FROM pg_control_system()
