-- Indexes of some size that no scan has used since the statistics began, or that another one of the same table makes
-- superfluous: the same columns, classes, order and condition. None that keeps a constraint, or rows unique, is among them.
-- Conditions are compared as they are stored, and definitions are asked of the chosen alone, and not where somebody has locked
-- index or table whole or awaits that: pg_get_expr() and pg_get_indexdef() open the table, and would wait.
WITH whole AS MATERIALIZED (
    SELECT relation FROM pg_locks
     WHERE mode = 'AccessExclusiveLock' AND locktype = 'relation'
       AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
), big AS MATERIALIZED (
    SELECT i.*, c.relname, c.relpages,
           concat_ws('/', i.indkey, i.indclass, i.indoption, i.indcollation, c.relam,
                     regexp_replace(i.indexprs::text, ':location -?\d+', '', 'g'), '?',
                     regexp_replace(i.indpred::text, ':location -?\d+', '', 'g')) AS key
      FROM pg_index AS i
      JOIN pg_class AS c ON c.oid = i.indexrelid
     WHERE c.relkind = 'i' AND c.relpages >= 128 AND i.indisvalid AND c.relnamespace <> 'pg_catalog'::regnamespace
), chosen AS MATERIALIZED (
    SELECT b.*, t.relname AS of_table, t.relnamespace, pg_stat_get_numscans(b.indexrelid) AS scans
      FROM big AS b
      JOIN pg_class AS t ON t.oid = b.indrelid
     WHERE NOT b.indisunique AND NOT b.indisprimary AND NOT b.indisexclusion AND NOT b.indisclustered
       AND NOT b.indisreplident AND t.relkind = 'r'
       AND NOT EXISTS (SELECT 1 FROM pg_constraint AS k WHERE k.conindid = b.indexrelid)
       AND NOT EXISTS (SELECT 1 FROM pg_inherits AS h WHERE h.inhrelid = b.indexrelid)
     ORDER BY (pg_stat_get_numscans(b.indexrelid) = 0) DESC, b.relpages DESC
     LIMIT 20
)
SELECT n.nspname AS schema, b.of_table AS "table", b.relname AS index,
       b.relpages::float8 * current_setting('block_size')::float8 AS bytes, b.scans,
       pg_stat_get_tuples_inserted(b.indrelid) + pg_stat_get_tuples_updated(b.indrelid)
         + pg_stat_get_tuples_deleted(b.indrelid) AS writes,
       CASE WHEN NOT EXISTS (SELECT 1 FROM whole WHERE relation IN (b.indexrelid, b.indrelid))
            THEN pg_get_indexdef(b.indexrelid) END AS definition,
       (SELECT min(o.relname)
          FROM big AS o
         WHERE o.indrelid = b.indrelid AND o.indexrelid <> b.indexrelid AND o.key = b.key
           AND (o.indisunique, pg_stat_get_numscans(o.indexrelid) > 0, -(o.indexrelid::bigint))
               > (false, b.scans > 0, -(b.indexrelid::bigint))) AS same_as -- the one that scans use stays, then the older one
  FROM chosen AS b
  JOIN pg_namespace AS n ON n.oid = b.relnamespace
 ORDER BY (b.scans = 0) DESC, b.relpages DESC
