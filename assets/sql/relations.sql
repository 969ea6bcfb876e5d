-- The largest tables, materialized views and indexes by relpages, the TOAST table counted with its owner. Nothing here
-- touches a relation, so nothing waits for a lock on one.
SELECT n.nspname AS schema, c.relname AS name, c.relkind AS kind,
       (c.relpages::bigint + coalesce(t.relpages, 0)) * current_setting('block_size')::bigint AS bytes,
       CASE WHEN c.reltuples = 0 AND c.relpages = 0 THEN -1 ELSE c.reltuples END AS tuples
  FROM pg_class AS c
  JOIN pg_namespace AS n ON n.oid = c.relnamespace
  LEFT JOIN pg_class AS t ON t.oid = c.reltoastrelid
 WHERE c.relkind IN ('r', 'm', 'i')
   AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
 ORDER BY c.relpages::bigint + coalesce(t.relpages, 0) DESC, n.nspname, c.relname
 LIMIT 40
