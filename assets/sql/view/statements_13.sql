-- The statements that have taken most time, of all databases: the counters of the first 200, and the texts of those alone. Columns of
-- pg_stat_statements 1.8. Where the role may not see the statements of others, they are counted in the note. What our own
-- role asks of the statistics is ours, where we could not say that it is not to be counted.
WITH counted AS MATERIALIZED (
  SELECT s.* FROM @schema@.pg_stat_statements(false) AS s
), chosen AS MATERIALIZED (
  SELECT s.*, s.total_exec_time AS ms FROM counted AS s
   WHERE s.queryid IS NOT NULL ORDER BY s.total_exec_time DESC LIMIT 200
)
SELECT s.queryid, s.userid, s.dbid, r.rolname AS usename, d.datname,
       s.calls, s.ms, s.ms / greatest(s.calls, 1) AS mean_ms, s.max_exec_time AS max_ms, s.rows,
       NULL AS rows_per_call, NULL AS hit,
       s.shared_blks_hit * b.size AS hit_bytes, s.shared_blks_read * b.size AS read_bytes,
       (s.temp_blks_read + s.temp_blks_written) * b.size AS temp_bytes,
       s.blk_read_time + s.blk_write_time AS io_ms,
       s.wal_bytes, s.total_plan_time AS plan_ms,
       s.calls AS calls_all, s.ms AS ms_all,
       left(t.query, 3900) AS query,
       concat_ws('; ',
         (SELECT 'the 200 of ' || count(*) || ' that took most time' FROM counted HAVING count(*) > 200),
         (SELECT count(*) || ' of other users need pg_read_all_stats: GRANT pg_read_all_stats TO ' || quote_ident(current_user)
            FROM counted WHERE queryid IS NULL HAVING count(*) > 0)) AS note
  FROM chosen AS s
  JOIN @schema@.pg_stat_statements(true) AS t ON t.queryid = s.queryid AND t.userid = s.userid AND t.dbid = s.dbid
 CROSS JOIN (SELECT current_setting('block_size')::bigint AS size) AS b
  LEFT JOIN pg_catalog.pg_roles AS r ON r.oid = s.userid
  LEFT JOIN pg_catalog.pg_database AS d ON d.oid = s.dbid
 WHERE pg_catalog.current_setting('pg_stat_statements.track', true) = 'none' OR r.rolname <> current_user
    OR t.query !~ 'pg_(catalog\.|stat_|settings|class|database)'
 ORDER BY s.ms DESC
