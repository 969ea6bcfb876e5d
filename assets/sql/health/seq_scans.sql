-- Tables of some size that are read whole again and again, and hardly ever by an index.
SELECT format('%I.%I', n.nspname, c.relname) AS object,
       format('%s scans of its %s rows, %s by its indexes', scans, live, by_index) AS figure,
       'EXPLAIN what reads it (pg_stat_statements), and index what its conditions name' AS fix
  FROM (SELECT oid, relname, relnamespace, pg_stat_get_live_tuples(oid) AS live, pg_stat_get_numscans(oid) AS scans,
               pg_stat_get_tuples_returned(oid) AS read
          FROM pg_class
         WHERE relkind IN ('r', 'm') AND oid >= 16384) AS c
 CROSS JOIN LATERAL (SELECT coalesce(sum(pg_stat_get_numscans(indexrelid)), 0) AS by_index
                       FROM pg_index WHERE indrelid = c.oid) AS i
  JOIN pg_namespace AS n ON n.oid = c.relnamespace AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
 WHERE live >= 10000 AND scans >= 50 AND read > 0.5 * live * scans AND scans > 5 * by_index
 ORDER BY read DESC
 LIMIT 20
