-- One row: the counters of the workload's database, and the statements at work in it, ours left out. The oldest of them tells
-- what pg_stat_statements cannot, which counts a statement at its end. A role that sees no states gets NULL.
SELECT extract(epoch FROM clock_timestamp()) AS at, d.xact_commit AS commits, d.xact_rollback AS rollbacks,
       NULL AS active_ms, extract(epoch FROM d.stats_reset) AS reset_at,
       CASE WHEN a.hidden = 0 OR a.active > 0 THEN a.active END AS active,
       CASE WHEN a.hidden = 0 OR a.active > 0 THEN coalesce(a.oldest_ms, 0) END AS oldest_ms
  FROM pg_catalog.pg_stat_database AS d,
       LATERAL (SELECT count(*) FILTER (WHERE state IS NULL) AS hidden,
                       count(*) FILTER (WHERE state = 'active') AS active,
                       max(extract(epoch FROM clock_timestamp() - query_start)) FILTER (WHERE state = 'active') * 1000 AS oldest_ms
                  FROM pg_catalog.pg_stat_get_activity(NULL)
                 WHERE datid = d.datid AND pid <> pg_catalog.pg_backend_pid()
                   AND (backend_type = 'client backend' OR (backend_type IS NULL AND usesysid IS NOT NULL))
                   AND coalesce(application_name, '') NOT LIKE 'pg\_diagnose%') AS a
 WHERE d.datname = $DATABASE
