-- Tables of some size that were never analysed: the planner guesses.
SELECT format('%I.%I', n.nspname, c.relname) AS object,
       format('%s rows, never analysed', pg_stat_get_live_tuples(c.oid)) AS figure,
       format('ANALYZE %I.%I;', n.nspname, c.relname) AS fix
  FROM pg_class AS c
  JOIN pg_namespace AS n ON n.oid = c.relnamespace
 WHERE c.relkind IN ('r', 'm') AND c.relpersistence <> 't' AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
   AND pg_stat_get_live_tuples(c.oid) >= 1000
   AND pg_stat_get_last_analyze_time(c.oid) IS NULL AND pg_stat_get_last_autoanalyze_time(c.oid) IS NULL
   AND NOT EXISTS (SELECT 1 FROM pg_stats AS s WHERE s.schemaname = n.nspname AND s.tablename = c.relname)
 ORDER BY pg_stat_get_live_tuples(c.oid) DESC
 LIMIT 20
