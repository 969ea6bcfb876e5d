-- Who reads and writes what, by kind of process, object and way, as pg_stat_io counts it. From 18 on the WAL
-- is among its rows. What never happened here is left out.
SELECT backend_type AS who, object, context,
       reads, reads * op_bytes AS read_bytes, read_time AS read_ms, --@..17
       reads, read_bytes, read_time AS read_ms, --@18..
       writes, writes * op_bytes AS write_bytes, write_time AS write_ms, --@..17
       writes, write_bytes, write_time AS write_ms, --@18..
       extends, hits, evictions, fsyncs, fsync_time AS fsync_ms
  FROM pg_catalog.pg_stat_io
 WHERE coalesce(reads, 0) + coalesce(writes, 0) + coalesce(extends, 0) + coalesce(hits, 0) + coalesce(fsyncs, 0) > 0
UNION ALL --@..17
SELECT 'all', 'wal', 'normal', NULL, NULL, NULL, w.wal_write, w.wal_bytes, w.wal_write_time, NULL, NULL, --@..17
       w.wal_buffers_full, w.wal_sync, w.wal_sync_time --@..17
  FROM pg_catalog.pg_stat_wal AS w --@..17
