-- Tables in which a fifth of the rows and more are dead: vacuum does not keep up with their changes. A small one that is
-- changed all the time has many between two vacuums, and is well.
SELECT format('%I.%I', n.nspname, c.relname) AS object,
       format('%s of %s rows are dead', pg_stat_get_dead_tuples(c.oid),
              pg_stat_get_dead_tuples(c.oid) + pg_stat_get_live_tuples(c.oid)) AS figure,
       format('VACUUM %I.%I;', n.nspname, c.relname) AS fix
  FROM pg_class AS c
  JOIN pg_namespace AS n ON n.oid = c.relnamespace
 WHERE c.relkind IN ('r', 'm') AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
   AND pg_stat_get_dead_tuples(c.oid) >= CASE WHEN pg_stat_get_live_tuples(c.oid) >= 1000 THEN 1000 ELSE 10000 END
   AND pg_stat_get_dead_tuples(c.oid) > 0.25 * pg_stat_get_live_tuples(c.oid)
 ORDER BY pg_stat_get_dead_tuples(c.oid) DESC
 LIMIT 20
