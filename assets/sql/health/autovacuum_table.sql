-- Tables that autovacuum was told to leave alone.
SELECT format('%I.%I', n.nspname, c.relname) AS object,
       format('autovacuum_enabled is off, %s rows are dead', coalesce(pg_stat_get_dead_tuples(c.oid), 0)) AS figure,
       format('ALTER TABLE %I.%I RESET (autovacuum_enabled);', n.nspname, c.relname) AS fix
  FROM pg_class AS c
  JOIN pg_namespace AS n ON n.oid = c.relnamespace
 WHERE c.relkind IN ('r', 'm') AND c.reloptions IS NOT NULL AND greatest(c.reltuples::bigint, pg_stat_get_live_tuples(c.oid)) > 0
   AND EXISTS (SELECT 1 FROM unnest(c.reloptions) AS o
                WHERE o LIKE 'autovacuum_enabled=%' AND lower(split_part(o, '=', 2)) IN ('off', 'false', 'no', '0', 'f'))
 ORDER BY c.relpages DESC
 LIMIT 20
