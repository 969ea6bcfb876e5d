-- Indexes whose columns another index of the same table begins with. One that keeps rows unique is not among them.
WITH large AS MATERIALIZED (
    SELECT i.*, i.indkey::text AS keys, i.indclass::text AS classes, i.indoption::text AS options, i.indcollation::text AS orders
      FROM pg_class AS t
      JOIN pg_index AS i ON i.indrelid = t.oid
     WHERE t.relkind = 'r' AND t.oid >= 16384 AND i.indisvalid AND i.indpred IS NULL
       AND t.oid IN (SELECT indrelid FROM pg_index WHERE indnkeyatts > 1 AND indexrelid >= 16384)
)
SELECT format('%I.%I', n.nspname, c.relname) AS object,
       format('%s, %I begins with the same columns',
              pg_size_pretty(c.relpages::bigint * current_setting('block_size')::bigint), oc.relname) AS figure,
       format('DROP INDEX CONCURRENTLY %I.%I; -- the wider one is slower to scan: compare', n.nspname, c.relname) AS fix
  FROM large AS i
  JOIN pg_class AS c ON c.oid = i.indexrelid
  JOIN pg_namespace AS n ON n.oid = c.relnamespace
  JOIN large AS o ON o.indrelid = i.indrelid AND o.indnkeyatts > i.indnkeyatts
   AND o.keys LIKE i.keys || ' %' AND o.classes LIKE i.classes || ' %'
   AND o.options LIKE i.options || ' %' AND o.orders LIKE i.orders || ' %'
  JOIN pg_class AS oc ON oc.oid = o.indexrelid AND oc.relam = c.relam
  JOIN pg_am AS m ON m.oid = c.relam AND m.amname = 'btree'
 WHERE c.relkind = 'i' AND n.nspname NOT IN ('pg_catalog', 'pg_toast') AND i.indnatts = i.indnkeyatts AND i.indexprs IS NULL
   AND NOT i.indisunique AND NOT i.indisexclusion AND NOT i.indisclustered AND NOT i.indisreplident
 ORDER BY c.relpages DESC
 LIMIT 20
