-- Indexes of some size of which no scan is counted, though their table was written to. The counters may have begun long before the
-- index was made, and nothing in the catalog says when that was: so both are named, and no number of days. None that keeps a
-- constraint, or rows unique, is among them, and none of which there is an equal: one of both has to stay (index_duplicate.sql).
SELECT format('%I.%I', n.nspname, c.relname) AS object,
       format('%s, no scan since the counters began%s or since it was made, %s rows of its table written',
              pg_size_pretty(c.relpages::bigint * current_setting('block_size')::bigint),
              (SELECT to_char(pg_stat_get_db_stat_reset_time(d.oid), ' (YYYY-MM-DD)') FROM pg_database AS d WHERE d.datname = current_database()),
              pg_stat_get_tuples_inserted(i.indrelid) + pg_stat_get_tuples_updated(i.indrelid)
              + pg_stat_get_tuples_deleted(i.indrelid)) AS figure,
       format('DROP INDEX CONCURRENTLY %I.%I;', n.nspname, c.relname) AS fix
  FROM pg_index AS i
  JOIN pg_class AS c ON c.oid = i.indexrelid
  JOIN pg_class AS t ON t.oid = i.indrelid
  JOIN pg_namespace AS n ON n.oid = c.relnamespace
 WHERE c.relkind = 'i' AND t.relkind = 'r' AND c.relpages >= 16 AND i.indisvalid
   AND n.nspname NOT IN ('pg_catalog', 'pg_toast')
   AND NOT i.indisunique AND NOT i.indisprimary AND NOT i.indisexclusion AND NOT i.indisclustered AND NOT i.indisreplident
   AND NOT EXISTS (SELECT 1 FROM pg_constraint AS k WHERE k.conindid = i.indexrelid)
   AND pg_stat_get_numscans(i.indexrelid) = 0
   AND pg_stat_get_tuples_inserted(i.indrelid) + pg_stat_get_tuples_updated(i.indrelid)
       + pg_stat_get_tuples_deleted(i.indrelid) >= 1000
   AND NOT EXISTS (
       SELECT 1
         FROM pg_index AS o
         JOIN pg_class AS oc ON oc.oid = o.indexrelid
        WHERE o.indrelid = i.indrelid AND o.indexrelid <> i.indexrelid AND o.indisvalid AND oc.relam = c.relam
          AND concat_ws('/', o.indkey, o.indclass, o.indoption, o.indcollation)
              = concat_ws('/', i.indkey, i.indclass, i.indoption, i.indcollation)
          AND coalesce(regexp_replace(o.indexprs::text, ':location -?\d+', '', 'g'), '')
              = coalesce(regexp_replace(i.indexprs::text, ':location -?\d+', '', 'g'), '')
          AND coalesce(regexp_replace(o.indpred::text, ':location -?\d+', '', 'g'), '')
              = coalesce(regexp_replace(i.indpred::text, ':location -?\d+', '', 'g'), ''))
 ORDER BY c.relpages DESC
 LIMIT 20
