-- Who reads and writes what, by kind of process, object and way, as pg_stat_io counts it. Its rows of the WAL are among them.
-- What never happened here is left out.
SELECT backend_type AS who, object, context,
       reads,  read_bytes, read_time AS read_ms,
       writes,  write_bytes, write_time AS write_ms,
       extends, hits, evictions, fsyncs, fsync_time AS fsync_ms
  FROM pg_catalog.pg_stat_io
 WHERE coalesce(reads, 0) + coalesce(writes, 0) + coalesce(extends, 0) + coalesce(hits, 0) + coalesce(fsyncs, 0) > 0
