-- Long maintenance under way and how far it is: vacuum, CREATE INDEX and REINDEX, CLUSTER and VACUUM FULL, ANALYZE, base
-- backups, COPY. The names of relations are known in this database alone; of a role without pg_read_all_stats what others do is NULL.
WITH going AS (
  SELECT pid, datid, relid, 'vacuum' AS command, phase,
         CASE WHEN phase = 'vacuuming heap' THEN heap_blks_vacuumed ELSE heap_blks_scanned END AS blocks,
         heap_blks_total AS blocks_all, NULL::bigint AS tuples, NULL::bigint AS bytes, NULL::bigint AS bytes_all,
         CASE WHEN index_vacuum_count > 0 THEN 'indexes passed ' || index_vacuum_count || ' times' END AS more
    FROM pg_catalog.pg_stat_progress_vacuum
  UNION ALL
  SELECT pid, datid, relid, lower(command), phase, blocks_done, blocks_total, nullif(tuples_done, 0), NULL, NULL,
         nullif(concat_ws(', ', CASE WHEN lockers_total > 0 THEN lockers_done || ' of ' || lockers_total || ' lockers waited for' END,
           CASE WHEN partitions_total > 0 THEN partitions_done || ' of ' || partitions_total || ' partitions' END), '')
    FROM pg_catalog.pg_stat_progress_create_index
  UNION ALL
  SELECT pid, datid, relid, lower(command), phase, heap_blks_scanned, heap_blks_total, nullif(heap_tuples_scanned, 0), NULL, NULL,
         CASE WHEN index_rebuild_count > 0 THEN index_rebuild_count || ' indexes made' END
    FROM pg_catalog.pg_stat_progress_cluster
  UNION ALL --@13..
  SELECT pid, datid, coalesce(nullif(current_child_table_relid, 0), relid), 'analyze', phase, sample_blks_scanned, sample_blks_total, NULL, --@13..
         NULL, NULL, CASE WHEN child_tables_total > 0 THEN child_tables_done || ' of ' || child_tables_total || ' children' END --@13..
    FROM pg_catalog.pg_stat_progress_analyze --@13..
  UNION ALL --@13..
  SELECT pid, NULL, NULL, 'base backup', phase, NULL, NULL, NULL, backup_streamed, backup_total, --@13..
         CASE WHEN tablespaces_total > 1 THEN tablespaces_streamed || ' of ' || tablespaces_total || ' tablespaces' END --@13..
    FROM pg_catalog.pg_stat_progress_basebackup --@13..
  UNION ALL --@14..
  SELECT pid, datid, relid, lower(command), NULL, NULL, NULL, tuples_processed, bytes_processed, nullif(bytes_total, 0), --@14..
         CASE WHEN tuples_excluded > 0 THEN tuples_excluded || ' rows left out by WHERE' END --@14..
    FROM pg_catalog.pg_stat_progress_copy --@14..
)
SELECT g.pid, a.backend_start, a.usename, d.datname, coalesce(g.command, 'hidden') AS command,
       coalesce((SELECT n.nspname || '.' || c.relname FROM pg_catalog.pg_class AS c
                   JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
                  WHERE c.oid = g.relid AND d.datname = current_database()),
                CASE WHEN g.relid > 0 THEN 'relation ' || g.relid END) AS object,
       g.phase, coalesce(g.bytes, g.blocks * b.size) AS done, coalesce(g.bytes_all, g.blocks_all * b.size) AS whole,
       100.0 * coalesce(g.bytes, g.blocks) / nullif(coalesce(g.bytes_all, g.blocks_all), 0) AS percent,
       coalesce(g.bytes, g.blocks * b.size) AS speed, NULL AS left_s, g.tuples, g.tuples AS tuple_speed,
       extract(epoch FROM clock_timestamp() - coalesce(a.xact_start, a.query_start)) AS runs_s,
       CASE WHEN a.state IS NOT NULL THEN coalesce(a.wait_event_type || ':' || a.wait_event, 'CPU') END AS wait,
       g.more, left(a.query, 3900) AS query
  FROM going AS g
 CROSS JOIN (SELECT current_setting('block_size')::bigint AS size) AS b
  LEFT JOIN pg_catalog.pg_database AS d ON d.oid = g.datid
  LEFT JOIN pg_catalog.pg_stat_activity AS a ON a.pid = g.pid
 ORDER BY runs_s DESC NULLS LAST
 LIMIT 501
