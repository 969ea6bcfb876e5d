-- One row: the counters of all databases together.
SELECT sum(xact_commit) AS xact_commit, sum(xact_rollback) AS xact_rollback,
       sum(blks_hit) AS blks_hit, sum(blks_read) AS blks_read,
       sum(tup_returned) AS tup_returned, sum(tup_fetched) AS tup_fetched,
       sum(tup_inserted + tup_updated + tup_deleted) AS tup_written,
       sum(temp_files) AS temp_files, sum(temp_bytes) AS temp_bytes,
       sum(deadlocks) AS deadlocks, sum(conflicts) AS conflicts
  FROM pg_catalog.pg_stat_database
