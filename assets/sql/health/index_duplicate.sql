-- Indexes that another one of the same table makes superfluous: the same columns, classes, order and condition.
-- Conditions are compared as they are stored: pg_get_expr() would open the table, and wait for whoever has locked it.
SELECT format('%I.%I', n.nspname, c.relname) AS object,
       format('%s, the same as %I', pg_size_pretty(c.relpages::bigint * current_setting('block_size')::bigint), oc.relname) AS figure,
       format('DROP INDEX CONCURRENTLY %I.%I;', n.nspname, c.relname) AS fix
  FROM pg_index AS i
  JOIN pg_class AS c ON c.oid = i.indexrelid
  JOIN pg_namespace AS n ON n.oid = c.relnamespace
  JOIN pg_index AS o ON o.indrelid = i.indrelid AND o.indexrelid <> i.indexrelid
   AND o.indkey::text = i.indkey::text AND o.indclass::text = i.indclass::text
   AND o.indoption::text = i.indoption::text AND o.indcollation::text = i.indcollation::text
   AND coalesce(regexp_replace(o.indexprs::text, ':location -?\d+', '', 'g'), '')
       = coalesce(regexp_replace(i.indexprs::text, ':location -?\d+', '', 'g'), '')
   AND coalesce(regexp_replace(o.indpred::text, ':location -?\d+', '', 'g'), '')
       = coalesce(regexp_replace(i.indpred::text, ':location -?\d+', '', 'g'), '')
  JOIN pg_class AS oc ON oc.oid = o.indexrelid AND oc.relam = c.relam
 WHERE c.relkind = 'i' AND i.indisvalid AND o.indisvalid AND n.nspname NOT IN ('pg_catalog', 'pg_toast')
   AND NOT i.indisprimary AND NOT i.indisexclusion AND NOT i.indisreplident
   AND NOT EXISTS (SELECT 1 FROM pg_constraint AS k WHERE k.conindid = i.indexrelid)
   AND (NOT i.indisunique OR o.indisunique)
   AND (o.indisunique > i.indisunique OR o.indexrelid < i.indexrelid)
 ORDER BY c.relpages DESC
 LIMIT 20
