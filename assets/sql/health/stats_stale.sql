-- Tables whose rows have changed by half and more since they were analysed.
SELECT format('%I.%I', n.nspname, c.relname) AS object,
       format('%s of %s rows changed since', pg_stat_get_mod_since_analyze(c.oid), pg_stat_get_live_tuples(c.oid)) AS figure,
       format('ANALYZE %I.%I;', n.nspname, c.relname) AS fix
  FROM pg_class AS c
  JOIN pg_namespace AS n ON n.oid = c.relnamespace
 WHERE c.relkind IN ('r', 'm') AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
   AND pg_stat_get_live_tuples(c.oid) >= 1000
   AND (pg_stat_get_last_analyze_time(c.oid) IS NOT NULL OR pg_stat_get_last_autoanalyze_time(c.oid) IS NOT NULL)
   AND pg_stat_get_mod_since_analyze(c.oid) > 0.5 * pg_stat_get_live_tuples(c.oid)
 ORDER BY pg_stat_get_mod_since_analyze(c.oid) DESC
 LIMIT 20
