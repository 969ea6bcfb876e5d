-- One row: what was written to the log. The times are in pg_stat_io from PostgreSQL 18 on.
SELECT wal_bytes, wal_fpi, wal_records, wal_buffers_full
  FROM pg_catalog.pg_stat_wal
