-- Indexes that a failed CREATE INDEX CONCURRENTLY or REINDEX has left behind. Those being built are not among them.
SELECT format('%I.%I', n.nspname, c.relname) AS object,
       pg_size_pretty(c.relpages::bigint * current_setting('block_size')::bigint) || ', not used by any query' AS figure,
       format('REINDEX INDEX CONCURRENTLY %I.%I;', n.nspname, c.relname) AS fix
  FROM pg_index AS i
  JOIN pg_class AS c ON c.oid = i.indexrelid
  JOIN pg_namespace AS n ON n.oid = c.relnamespace
 WHERE NOT i.indisvalid AND c.relkind = 'i'
   AND NOT EXISTS (SELECT 1 FROM pg_stat_progress_create_index AS p WHERE p.index_relid = i.indexrelid)
 ORDER BY c.relpages DESC
 LIMIT 20
