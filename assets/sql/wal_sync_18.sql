-- One row: the time spent in flushing the log, which pg_stat_io holds from PostgreSQL 18 on.
SELECT CASE WHEN current_setting('track_wal_io_timing')::bool THEN sum(fsync_time) END AS wal_sync_ms
  FROM pg_stat_get_io()
 WHERE object = 'wal'
