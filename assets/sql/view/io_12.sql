-- Who reads and writes, from before pg_stat_io: what sessions read of all databases, who writes the buffers, temporary files, WAL. Of
-- sessions the server counts reads and hits by database, writes for all.
WITH b AS (SELECT current_setting('block_size')::bigint AS size)
SELECT 'sessions' AS who, 'relation' AS object, 'normal' AS context,
       sum(d.blks_read) AS reads, sum(d.blks_read) * b.size AS read_bytes, sum(d.blk_read_time) AS read_ms,
       (SELECT buffers_backend FROM pg_catalog.pg_stat_bgwriter) AS writes,
       (SELECT buffers_backend FROM pg_catalog.pg_stat_bgwriter) * b.size AS write_bytes, sum(d.blk_write_time) AS write_ms,
       NULL::bigint AS extends, sum(d.blks_hit) AS hits, (SELECT buffers_alloc FROM pg_catalog.pg_stat_bgwriter) AS evictions,
       (SELECT buffers_backend_fsync FROM pg_catalog.pg_stat_bgwriter) AS fsyncs, NULL::float8 AS fsync_ms
  FROM pg_catalog.pg_stat_database AS d, b
 GROUP BY b.size
UNION ALL
SELECT 'checkpointer', 'relation', 'normal', NULL, NULL, NULL, w.buffers_checkpoint, w.buffers_checkpoint * b.size,
       w.checkpoint_write_time, NULL, NULL, NULL, NULL, w.checkpoint_sync_time
  FROM pg_catalog.pg_stat_bgwriter AS w, b
UNION ALL
SELECT 'background writer', 'relation', 'normal', NULL, NULL, NULL, w.buffers_clean, w.buffers_clean * b.size,
       NULL, NULL, NULL, NULL, NULL, NULL
  FROM pg_catalog.pg_stat_bgwriter AS w, b
UNION ALL
SELECT 'sessions', 'temp file', 'normal', NULL, NULL, NULL, sum(temp_files), sum(temp_bytes), NULL, NULL, NULL, NULL, NULL, NULL
  FROM pg_catalog.pg_stat_database
UNION ALL
SELECT 'all', 'wal', 'normal', NULL, NULL, NULL, NULL, pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0'), NULL, NULL, NULL, NULL, NULL, NULL --@..13
 WHERE NOT pg_is_in_recovery() --@..13
SELECT 'all', 'wal', 'normal', NULL, NULL, NULL, w.wal_write, w.wal_bytes, w.wal_write_time, NULL, NULL, --@14..
       w.wal_buffers_full, w.wal_sync, w.wal_sync_time --@14..
  FROM pg_catalog.pg_stat_wal AS w --@14..
