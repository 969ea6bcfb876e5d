-- Indexes whose columns another index of the same table begins with. One that keeps rows unique is not among them.
SELECT format('%I.%I', n.nspname, c.relname) AS object,
       format('%s, %I begins with the same columns',
              pg_size_pretty(c.relpages::bigint * current_setting('block_size')::bigint), oc.relname) AS figure,
       format('DROP INDEX CONCURRENTLY %I.%I; -- the wider one is slower to scan: compare', n.nspname, c.relname) AS fix
  FROM pg_index AS i
  JOIN pg_class AS c ON c.oid = i.indexrelid
  JOIN pg_class AS t ON t.oid = i.indrelid
  JOIN pg_namespace AS n ON n.oid = c.relnamespace
  JOIN pg_index AS o ON o.indrelid = i.indrelid AND o.indnkeyatts > i.indnkeyatts
   AND o.indkey::text LIKE i.indkey::text || ' %' AND o.indclass::text LIKE i.indclass::text || ' %'
   AND o.indoption::text LIKE i.indoption::text || ' %' AND o.indcollation::text LIKE i.indcollation::text || ' %'
  JOIN pg_class AS oc ON oc.oid = o.indexrelid AND oc.relam = c.relam
  JOIN pg_am AS m ON m.oid = c.relam AND m.amname = 'btree'
 WHERE c.relkind = 'i' AND t.relkind = 'r' AND t.reltuples >= 1000 AND i.indisvalid AND o.indisvalid
   AND n.nspname NOT IN ('pg_catalog', 'pg_toast')
   AND i.indnatts = i.indnkeyatts AND i.indpred IS NULL AND o.indpred IS NULL AND i.indexprs IS NULL
   AND NOT i.indisunique AND NOT i.indisexclusion AND NOT i.indisclustered AND NOT i.indisreplident
 ORDER BY c.relpages DESC
 LIMIT 20
