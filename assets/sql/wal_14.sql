-- One row: what was written to the log; times only where the server takes them.
SELECT wal_bytes, wal_fpi, wal_records, wal_buffers_full,
       CASE WHEN current_setting('track_wal_io_timing')::bool THEN wal_sync_time END AS wal_sync_ms
  FROM pg_catalog.pg_stat_wal
