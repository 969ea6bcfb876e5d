-- The load of each role in each database since the statistics of the statements began: its time, what it wrote to temporary files, and
-- what of the time it spent compiling expressions (from PostgreSQL 15 on).
-- No text is asked for. @…@ differs by version.
WITH /* pg_diagnose */ s AS (
    SELECT userid, dbid, calls, @time@ AS ms, temp_blks_written::float8 * current_setting('block_size')::float8 AS temp,
           @jit@ AS jit
      FROM @schema@.pg_stat_statements(false) AS p
     WHERE @toplevel@
)
SELECT r.rolname AS role, d.datname AS database, sum(s.calls) AS calls, sum(s.ms) AS total_ms, sum(s.temp) AS temp_bytes,
       sum(CASE WHEN s.temp > 0 THEN s.calls ELSE 0 END) AS temp_calls,
       max(s.temp / greatest(s.calls, 1)) AS temp_call,
       sum(s.jit) AS jit_ms, sum(CASE WHEN s.jit > 0 THEN s.calls ELSE 0 END) AS jit_calls
  FROM s
  JOIN pg_roles AS r ON r.oid = s.userid
  JOIN pg_database AS d ON d.oid = s.dbid
 GROUP BY r.rolname, d.datname
 ORDER BY sum(s.ms) DESC
 LIMIT 24
