-- Tables of some size without a primary key or any unique index: rows cannot be told apart, nor be replicated by their key.
SELECT format('%I.%I', n.nspname, c.relname) AS object,
       format('%s rows', c.reltuples::bigint) AS figure,
       format('ALTER TABLE %I.%I ADD PRIMARY KEY (…);', n.nspname, c.relname) AS fix
  FROM pg_class AS c
  JOIN pg_namespace AS n ON n.oid = c.relnamespace
 WHERE c.relkind = 'r' AND c.relpersistence = 'p' AND c.reltuples >= 1000 AND NOT c.relispartition
   AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
   AND NOT EXISTS (SELECT 1 FROM pg_index AS i WHERE i.indrelid = c.oid AND i.indisunique AND i.indisvalid)
 ORDER BY c.reltuples DESC
 LIMIT 20
