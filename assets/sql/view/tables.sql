-- Tables of this database: the 150 largest by their pages at the last vacuum or analyze, and the 150 of which most pages were looked at.
-- Exact sizes are asked of these alone, and not of one that somebody locks whole, since that would wait; indexes by their pages.
WITH whole AS MATERIALIZED (
  SELECT relation FROM pg_catalog.pg_locks
   WHERE mode = 'AccessExclusiveLock' AND locktype = 'relation'
     AND database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())
), tables AS (
  SELECT oid, relpages, pg_stat_get_blocks_fetched(oid) AS happens
    FROM pg_catalog.pg_class
   WHERE relkind IN ('r', 'm') AND relnamespace NOT IN (SELECT oid FROM pg_catalog.pg_namespace
         WHERE nspname IN ('pg_catalog', 'information_schema', 'pg_toast'))
), chosen AS MATERIALIZED (
  (SELECT oid FROM tables ORDER BY relpages DESC, oid LIMIT 150)
  UNION
  (SELECT oid FROM tables WHERE happens > 0 ORDER BY happens DESC LIMIT 150)
)
SELECT c.oid, n.nspname || '.' || c.relname AS name,
       CASE WHEN w.shut IS NULL THEN pg_table_size(c.oid)
            ELSE (c.relpages + coalesce(t.relpages, 0))::bigint * current_setting('block_size')::bigint END AS bytes,
       (SELECT sum(x.relpages)::bigint * current_setting('block_size')::bigint FROM pg_catalog.pg_index AS i
          JOIN pg_catalog.pg_class AS x ON x.oid = i.indexrelid WHERE i.indrelid = c.oid) AS index_bytes,
       pg_stat_get_live_tuples(c.oid) AS live, pg_stat_get_dead_tuples(c.oid) AS dead,
       100.0 * pg_stat_get_dead_tuples(c.oid)
             / nullif(pg_stat_get_dead_tuples(c.oid) + pg_stat_get_live_tuples(c.oid), 0) AS dead_share,
       pg_stat_get_numscans(c.oid) AS seq, pg_stat_get_tuples_returned(c.oid) AS seq_rows,
       (SELECT sum(pg_stat_get_numscans(i.indexrelid)) FROM pg_catalog.pg_index AS i WHERE i.indrelid = c.oid) AS idx,
       pg_stat_get_tuples_inserted(c.oid) AS ins, pg_stat_get_tuples_updated(c.oid) AS upd,
       pg_stat_get_tuples_deleted(c.oid) AS del,
       100.0 * pg_stat_get_tuples_hot_updated(c.oid) / nullif(pg_stat_get_tuples_updated(c.oid), 0) AS hot,
       pg_stat_get_mod_since_analyze(c.oid) AS mod,
       extract(epoch FROM clock_timestamp()
         - greatest(pg_stat_get_last_vacuum_time(c.oid), pg_stat_get_last_autovacuum_time(c.oid))) AS vacuumed_s,
       extract(epoch FROM clock_timestamp()
         - greatest(pg_stat_get_last_analyze_time(c.oid), pg_stat_get_last_autoanalyze_time(c.oid))) AS analyzed_s,
       CASE WHEN c.relfrozenxid <> '0' THEN greatest(age(c.relfrozenxid), age(nullif(t.relfrozenxid, '0'))) END AS xid_age,
       concat_ws(', ', v.phase || coalesce(' ' || 100 * v.heap_blks_scanned / nullif(v.heap_blks_total, 0) || ' %', ''),
                 CASE WHEN w.shut THEN 'locked whole' END) AS now,
       (SELECT 'the 150 largest and the 150 busiest of ' || count(*) FROM tables HAVING count(*) > 300) AS note
  FROM chosen AS k
  JOIN pg_catalog.pg_class AS c ON c.oid = k.oid
  JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
  LEFT JOIN pg_catalog.pg_class AS t ON t.oid = c.reltoastrelid
  LEFT JOIN LATERAL (SELECT true AS shut FROM whole
                      WHERE relation IN (c.oid, c.reltoastrelid)
                         OR relation IN (SELECT indexrelid FROM pg_catalog.pg_index WHERE indrelid = c.reltoastrelid) LIMIT 1) AS w ON true
  LEFT JOIN pg_catalog.pg_stat_progress_vacuum AS v ON v.relid = c.oid
   AND v.datname = current_database()
 ORDER BY bytes DESC NULLS LAST
 LIMIT 501
