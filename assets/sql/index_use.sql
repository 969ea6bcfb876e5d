-- Indexes of some size that no scan has used since the statistics began, or that another one of the same table makes
-- superfluous: the same columns, classes, order and condition. None that keeps a constraint, or rows unique, is among them.
-- Definitions are taken from the caches of the catalog; no lock is waited for.
WITH big AS (
    SELECT i.*, c.relname, c.relpages
      FROM pg_index AS i
      JOIN pg_class AS c ON c.oid = i.indexrelid
     WHERE c.relkind = 'i' AND c.relpages >= 128 AND i.indisvalid AND c.relnamespace <> 'pg_catalog'::regnamespace)
SELECT n.nspname AS schema, t.relname AS "table", b.relname AS index,
       b.relpages::float8 * current_setting('block_size')::float8 AS bytes,
       pg_stat_get_numscans(b.indexrelid) AS scans,
       pg_stat_get_tuples_inserted(b.indrelid) + pg_stat_get_tuples_updated(b.indrelid)
         + pg_stat_get_tuples_deleted(b.indrelid) AS writes,
       pg_get_indexdef(b.indexrelid) AS definition,
       (SELECT min(o.relname)
          FROM big AS o
         WHERE o.indrelid = b.indrelid AND o.indexrelid <> b.indexrelid
           AND o.indkey::text = b.indkey::text AND o.indclass::text = b.indclass::text
           AND o.indoption::text = b.indoption::text AND o.indcollation::text = b.indcollation::text
           AND coalesce(pg_get_expr(o.indexprs, o.indrelid), '') = coalesce(pg_get_expr(b.indexprs, b.indrelid), '')
           AND coalesce(pg_get_expr(o.indpred, o.indrelid), '') = coalesce(pg_get_expr(b.indpred, b.indrelid), '')
           AND (o.indisunique OR o.indexrelid < b.indexrelid)) AS same_as
  FROM big AS b
  JOIN pg_class AS t ON t.oid = b.indrelid
  JOIN pg_namespace AS n ON n.oid = t.relnamespace
 WHERE NOT b.indisunique AND NOT b.indisprimary AND NOT b.indisexclusion AND NOT b.indisclustered
   AND NOT b.indisreplident AND t.relkind = 'r'
   AND NOT EXISTS (SELECT 1 FROM pg_constraint AS k WHERE k.conindid = b.indexrelid)
   AND NOT EXISTS (SELECT 1 FROM pg_inherits AS h WHERE h.inhrelid = b.indexrelid)
 ORDER BY (pg_stat_get_numscans(b.indexrelid) = 0) DESC, b.relpages DESC
 LIMIT 20
