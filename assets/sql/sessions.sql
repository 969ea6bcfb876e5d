-- One row: since when the statistics count, and the age of the oldest transaction.
SELECT extract(epoch FROM clock_timestamp() - greatest(b.stats_reset, d.stats_reset)) AS stats_age_s,
       pg_jit_available() AS jit_available,
       (SELECT coalesce(max(extract(epoch FROM clock_timestamp() - xact_start)), 0)
          FROM pg_stat_get_activity(NULL)
         WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()) AS longest_xact_s,
       EXISTS (SELECT 1 FROM pg_extension WHERE extname = 'pg_stat_statements') AS statements_installed
  FROM pg_stat_bgwriter AS b, pg_stat_database AS d
 WHERE d.datname = current_database()
