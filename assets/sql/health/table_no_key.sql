-- Tables of some size without a primary key or any unique index: rows cannot be told apart, nor be replicated by their key.
SELECT format('%I.%I', n.nspname, c.relname) AS object,
       format('%s rows', rows) AS figure,
       format('ALTER TABLE %I.%I ADD PRIMARY KEY (…);', n.nspname, c.relname) AS fix
  FROM pg_class AS c
  JOIN pg_namespace AS n ON n.oid = c.relnamespace
 CROSS JOIN LATERAL (SELECT greatest(c.reltuples::bigint, pg_stat_get_live_tuples(c.oid)) AS rows) AS r
 WHERE c.relkind = 'r' AND c.relpersistence = 'p' AND rows > 100 AND NOT c.relispartition
   AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
   AND NOT EXISTS (SELECT 1 FROM pg_index AS i WHERE i.indrelid = c.oid AND i.indisunique AND i.indisvalid)
 ORDER BY rows DESC
 LIMIT 20
