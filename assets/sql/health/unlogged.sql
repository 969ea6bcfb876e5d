-- Tables that are not written to the WAL: a crash empties them, and no standby or backup by WAL has their rows.
SELECT format('%I.%I', n.nspname, c.relname) AS object,
       format('%s, %s rows', pg_size_pretty(c.relpages::bigint * current_setting('block_size')::bigint),
              greatest(c.reltuples::bigint, pg_stat_get_live_tuples(c.oid))) AS figure,
       format('ALTER TABLE %I.%I SET LOGGED; -- writes it anew, and locks it meanwhile', n.nspname, c.relname) AS fix
  FROM pg_class AS c
  JOIN pg_namespace AS n ON n.oid = c.relnamespace
 WHERE c.relkind = 'r' AND c.relpersistence = 'u'
 ORDER BY c.relpages DESC
 LIMIT 20
