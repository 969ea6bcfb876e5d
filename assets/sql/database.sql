-- One row: the counters of all databases together, and when those of this one were reset.
SELECT sum(xact_commit) AS xact_commit, sum(xact_rollback) AS xact_rollback,
       sum(blks_hit) AS blks_hit, sum(blks_read) AS blks_read,
       sum(tup_returned) AS tup_returned, sum(tup_fetched) AS tup_fetched,
       sum(tup_inserted + tup_updated + tup_deleted) AS tup_written,
       sum(temp_files) AS temp_files, sum(temp_bytes) AS temp_bytes,
       sum(deadlocks) AS deadlocks, sum(conflicts) AS conflicts,
       extract(epoch FROM max(stats_reset) FILTER (WHERE datname = pg_catalog.current_database())) AS database_reset_at
  FROM pg_catalog.pg_stat_database
