-- Indexes of this database: the 150 largest by their pages at the last vacuum or analyze, and the 150 that are read most. Exact sizes and
-- definitions are asked of these alone, and not where somebody locks index or table whole, since that would wait.
WITH whole AS MATERIALIZED (
  SELECT DISTINCT relation FROM pg_catalog.pg_locks
   WHERE mode = 'AccessExclusiveLock' AND locktype = 'relation'
     AND database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())
), indexes AS (
  SELECT oid, relpages, pg_stat_get_numscans(oid) AS scans
    FROM pg_catalog.pg_class
   WHERE relkind = 'i' AND relnamespace NOT IN (SELECT oid FROM pg_catalog.pg_namespace
         WHERE nspname IN ('pg_catalog', 'information_schema', 'pg_toast'))
), chosen AS MATERIALIZED (
  (SELECT oid FROM indexes ORDER BY relpages DESC, oid LIMIT 150)
  UNION
  (SELECT oid FROM indexes WHERE scans > 0 ORDER BY scans DESC LIMIT 150)
)
SELECT c.oid, n.nspname || '.' || c.relname AS name, t.relname AS table_name,
       CASE WHEN w.shut IS NULL THEN pg_relation_size(c.oid)
            ELSE c.relpages::bigint * current_setting('block_size')::bigint END AS bytes,
       pg_stat_get_numscans(c.oid) AS scans, pg_stat_get_numscans(c.oid) AS scans_all,
       pg_stat_get_tuples_returned(c.oid) AS entries, pg_stat_get_tuples_fetched(c.oid) AS fetched,
       c.reltuples AS rows,
       pg_stat_get_blocks_hit(c.oid) * current_setting('block_size')::bigint AS hit_bytes,
       (pg_stat_get_blocks_fetched(c.oid) - pg_stat_get_blocks_hit(c.oid)) * current_setting('block_size')::bigint AS read_bytes,
       NULL AS hit,
       extract(epoch FROM clock_timestamp() - pg_stat_get_lastscan(c.oid)) AS used_s, --@16..
       am.amname AS method, i.indisprimary AS is_primary, i.indisunique AS is_unique,
       i.indisvalid AND i.indisready AND i.indislive AS is_valid,
       CASE WHEN NOT i.indislive THEN 'being dropped' WHEN NOT i.indisready THEN 'not ready' WHEN NOT i.indisvalid THEN 'invalid'
            WHEN w.shut THEN 'locked whole' END AS state,
       CASE WHEN w.shut IS NULL THEN pg_get_indexdef(c.oid) END AS definition,
       (SELECT 'the 150 largest and the 150 most read of ' || count(*) FROM indexes HAVING count(*) > 300) AS note
  FROM chosen AS k
  JOIN pg_catalog.pg_class AS c ON c.oid = k.oid
  JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
  JOIN pg_catalog.pg_index AS i ON i.indexrelid = c.oid
  JOIN pg_catalog.pg_class AS t ON t.oid = i.indrelid
  JOIN pg_catalog.pg_am AS am ON am.oid = c.relam
  LEFT JOIN LATERAL (SELECT true AS shut FROM whole WHERE relation IN (c.oid, i.indrelid) LIMIT 1) AS w ON true
 ORDER BY bytes DESC NULLS LAST
 LIMIT 501
