-- The statements of the workload since ever, by queryid, those that cost most first; ours left out: our sessions are not tracked
-- where the role may say so, else everything of our role is left out. $ONLY narrows it down to some. Columns of pg_stat_statements 1.8.
SELECT coalesce(queryid, 0) AS id, sum(calls) AS calls, sum(total_exec_time) AS ms,
       sum(calls * (mean_exec_time * mean_exec_time + stddev_exec_time * stddev_exec_time)) AS square, sum(temp_blks_written) AS temp_blocks,
       sum(shared_blks_read) AS read_blocks, sum(shared_blks_hit) AS hit_blocks, NULL AS jit_ms,
       NULL AS dealloc, NULL AS reset_at
  FROM $SCHEMA.pg_stat_statements(false)
 WHERE dbid = (SELECT oid FROM pg_catalog.pg_database WHERE datname = $DATABASE)
   AND (pg_catalog.current_setting('pg_stat_statements.track', true) = 'none'
        OR userid <> (SELECT oid FROM pg_catalog.pg_roles WHERE rolname = current_user))
   $ONLY
 GROUP BY coalesce(queryid, 0)
 ORDER BY ms DESC
 LIMIT 5000
