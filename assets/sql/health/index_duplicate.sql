-- Indexes that another one of the same table makes superfluous: the same columns, classes, order and condition. Of two that keep
-- rows unique, one is superfluous only where the other is as strict: checked as early, and with NULLs taken alike.
-- Of equals, the one that scans use stays, then the older one.
-- Conditions are compared as they are stored: pg_get_expr() would open the table, and wait for whoever has locked it.
WITH known AS MATERIALIZED (
    SELECT indexrelid, indrelid, concat_ws('/', indkey, indclass, indoption, indcollation) AS key
      FROM pg_index
     WHERE indisvalid AND indexrelid >= 16384
), same AS MATERIALIZED (
    SELECT k.indexrelid, k.indrelid, k.key
      FROM known AS k
      JOIN (SELECT indrelid, key FROM known GROUP BY indrelid, key HAVING count(*) > 1) AS d
        ON d.indrelid = k.indrelid AND d.key = k.key
), kept AS MATERIALIZED ( -- by constraints: a unique one may go, where nothing refers to it
    SELECT conindid, min(conname) AS name, bool_and(contype = 'u') AS may_go
      FROM pg_constraint WHERE conindid IN (SELECT indexrelid FROM same) GROUP BY conindid
)
SELECT format('%I.%I', n.nspname, c.relname) AS object,
       format('%s, the same as %I', pg_size_pretty(c.relpages::bigint * current_setting('block_size')::bigint), oc.relname) AS figure,
       CASE WHEN ak.name IS NULL THEN format('DROP INDEX CONCURRENTLY %I.%I;', n.nspname, c.relname)
            ELSE format('ALTER TABLE %s DROP CONSTRAINT %I;', a.indrelid::regclass, ak.name) END AS fix
  FROM same AS a
  JOIN same AS b ON b.indrelid = a.indrelid AND b.key = a.key AND b.indexrelid <> a.indexrelid
  LEFT JOIN kept AS ak ON ak.conindid = a.indexrelid
  LEFT JOIN kept AS bk ON bk.conindid = b.indexrelid
  JOIN pg_index AS i ON i.indexrelid = a.indexrelid
  JOIN pg_index AS o ON o.indexrelid = b.indexrelid
   AND coalesce(regexp_replace(o.indexprs::text, ':location -?\d+', '', 'g'), '')
       = coalesce(regexp_replace(i.indexprs::text, ':location -?\d+', '', 'g'), '')
   AND coalesce(regexp_replace(o.indpred::text, ':location -?\d+', '', 'g'), '')
       = coalesce(regexp_replace(i.indpred::text, ':location -?\d+', '', 'g'), '')
  JOIN pg_class AS c ON c.oid = i.indexrelid
  JOIN pg_namespace AS n ON n.oid = c.relnamespace
  JOIN pg_class AS oc ON oc.oid = o.indexrelid AND oc.relam = c.relam
 WHERE c.relkind = 'i' AND n.nspname NOT IN ('pg_catalog', 'pg_toast')
   AND NOT i.indisprimary AND NOT i.indisexclusion AND NOT i.indisreplident
   AND coalesce(ak.may_go, true)
   AND (NOT i.indisunique
        OR (o.indisunique AND o.indimmediate = i.indimmediate
            AND coalesce(to_jsonb(o) ->> 'indnullsnotdistinct', 'false') = coalesce(to_jsonb(i) ->> 'indnullsnotdistinct', 'false')))
   AND (o.indisprimary, bk.name IS NOT NULL, o.indisunique, pg_stat_get_numscans(o.indexrelid) > 0, -(o.indexrelid::bigint))
       > (i.indisprimary, ak.name IS NOT NULL, i.indisunique, pg_stat_get_numscans(i.indexrelid) > 0, -(i.indexrelid::bigint))
 ORDER BY c.relpages DESC
 LIMIT 20
