-- The statements of this database by the time that they took, those that read and write; their texts only where they read.
-- Left out is what this program sends: it is marked, or names the catalog by its schema. @…@ differs by version.
WITH /* pg_diagnose */ s AS (
    SELECT queryid::text AS id, sum(calls) AS calls, sum(@time@) AS total_ms, sum(rows) AS rows,
           bool_or(userid = me.oid) AS own, (array_agg(query ORDER BY userid = me.oid DESC, calls DESC))[1] AS query
      FROM @schema@.pg_stat_statements(true)
     CROSS JOIN (SELECT oid FROM pg_roles WHERE rolname = session_user) AS me
     WHERE dbid = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
       AND @toplevel@
       AND query !~ '/\* pg_diagnose' AND query !~ '\mpg_catalog\M' AND query !~* '\mfrom\s+pg_[a-z_]+'
     GROUP BY queryid
), k AS (
    SELECT id, calls, total_ms, rows, own, query,
           CASE WHEN query = '<insufficient privilege>' THEN 'hidden'
                WHEN query ~* '^(\s|\(|/\*.*?\*/|--[^\n]*\n)*(select|with|values|table)\M' THEN 'read'
                WHEN query ~* '^(\s|/\*.*?\*/|--[^\n]*\n)*(insert|update|delete|merge)\M' THEN 'write'
                ELSE 'other' END AS kind
      FROM s
)
SELECT id, calls, total_ms, rows, own, kind, CASE WHEN kind = 'read' THEN query END AS query,
       sum(total_ms) OVER () AS all_ms, sum(CASE WHEN kind = 'write' THEN total_ms ELSE 0 END) OVER () AS write_ms,
       count(*) OVER () AS statements
  FROM k
 WHERE kind <> 'other' AND calls > 0
 ORDER BY total_ms DESC
 LIMIT 60
