-- One row while a session runs: what a benchmark can do harm to, and who else is at work. $DATABASE is the workload's.
-- What the role may not see is NULL. A session is at work when its statement waits for nothing that costs no resources, and
-- busy when it has done something within the last second.
SELECT s.*, r.*, l.*, w.*, x.*
  FROM (SELECT count(*) FILTER (WHERE backend_type = 'client backend') AS clients,
               count(*) FILTER (WHERE other) AS others,
               count(*) FILTER (WHERE other AND state IS NULL) AS others_hidden,
               count(*) FILTER (WHERE other AND state = 'active'
                                  AND coalesce(wait_event_type, '') NOT IN ('Client', 'Lock', 'Timeout', 'Activity')) AS others_active,
               count(*) FILTER (WHERE other AND state_change > clock_timestamp() - interval '1 s') AS others_busy,
               count(*) FILTER (WHERE application_name = 'pg_diagnose_bench') AS bench_sessions,
               count(*) FILTER (WHERE wait_event = 'SyncRep' AND state_change < clock_timestamp() - interval '3 s') AS commits_held
          FROM (SELECT *, backend_type = 'client backend' AND coalesce(application_name, '') NOT LIKE 'pg\_diagnose%' AS other
                  FROM pg_catalog.pg_stat_get_activity(NULL)) AS a) AS s,
       (SELECT count(*) AS replicas,
               max(pg_catalog.pg_wal_lsn_diff(CASE WHEN NOT pg_catalog.pg_is_in_recovery() THEN pg_catalog.pg_current_wal_lsn() END,
                                              replay_lsn)) AS lag_bytes,
               max(extract(epoch FROM replay_lag)) AS lag_s
          FROM pg_catalog.pg_stat_replication
         WHERE state IS DISTINCT FROM 'backup') AS r,
       (SELECT count(*) AS slots_inactive, (array_agg(slot_name::text ORDER BY restart_lsn))[1] AS slot_name,
               max(pg_catalog.pg_wal_lsn_diff(CASE WHEN NOT pg_catalog.pg_is_in_recovery() THEN pg_catalog.pg_current_wal_lsn() END,
                                              restart_lsn)) AS slot_bytes
          FROM pg_catalog.pg_replication_slots WHERE NOT active AND restart_lsn IS NOT NULL) AS l,
       (SELECT current_setting('archive_mode') AS archive_mode, failed_count AS archive_failed, last_failed_wal AS archive_file,
               coalesce(last_failed_time > coalesce(last_archived_time, '-infinity'), false) AS archive_failing,
               current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
               - coalesce(current_setting('reserved_connections', true), '0')::int AS slots
          FROM pg_catalog.pg_stat_archiver) AS w,
       (SELECT sum(xact_commit + xact_rollback) AS elsewhere
          FROM pg_catalog.pg_stat_database WHERE datid <> 0 AND datname <> $DATABASE) AS x
