-- What happens in each database; our own sessions are left out of their number. Their sizes are a view of their own: they take time.
SELECT d.datname AS name, d.datid, d.numbackends - coalesce(o.n, 0) AS sessions,
       d.xact_commit + d.xact_rollback AS xacts, d.xact_rollback AS rollbacks,
       d.tup_returned AS returned, d.tup_fetched AS fetched, d.tup_inserted + d.tup_updated + d.tup_deleted AS changed,
       d.blks_read * b.size AS read_bytes, d.blks_hit * b.size AS hit_bytes, NULL AS hit,
       d.blk_read_time + d.blk_write_time AS io_ms, d.temp_bytes, d.temp_files AS temp_files, d.deadlocks, d.conflicts, d.checksum_failures,
       d.active_time AS active_ms, d.idle_in_transaction_time AS idle_xact_ms, --@14..
       d.sessions_abandoned + d.sessions_fatal + d.sessions_killed AS broken, --@14..
       age(p.datfrozenxid) AS xid_age, mxid_age(p.datminmxid) AS mxid_age,
       extract(epoch FROM clock_timestamp() - d.stats_reset) AS counted_s
  FROM pg_catalog.pg_stat_database AS d
 CROSS JOIN (SELECT current_setting('block_size')::bigint AS size) AS b
  LEFT JOIN (SELECT datid, count(*) AS n FROM pg_catalog.pg_stat_activity WHERE application_name = 'pg_diagnose' GROUP BY datid) AS o
    ON o.datid = d.datid
  LEFT JOIN pg_catalog.pg_database AS p ON p.oid = d.datid
 WHERE d.datid > 0
 ORDER BY xacts DESC
 LIMIT 501
