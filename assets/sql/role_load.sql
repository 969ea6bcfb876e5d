-- The load of each role in each database since the statistics of the statements began: its time, what it wrote to temporary files, and
-- what of the time it spent compiling expressions (from PostgreSQL 15 on; dear to read by name, 0.1 ms a statement: of the
-- 300 longest alone).
-- No text is asked for. @…@ differs by version.
WITH /* pg_diagnose */ s AS (
    SELECT userid, dbid, calls, @time@ AS ms, temp_blks_written::float8 * current_setting('block_size')::float8 AS temp,
           CASE WHEN row_number() OVER (ORDER BY @time@ DESC) <= 300 THEN @jit@ ELSE 0 END AS jit
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
