-- Standbys that are a minute behind, or by more WAL than the server is asked to keep.
SELECT coalesce(nullif(application_name, ''), client_addr::text, 'standby') AS object,
       format('%s of WAL behind%s, state %s', pg_size_pretty(behind),
              coalesce(', replay ' || date_trunc('second', replay_lag), ''), state) AS figure,
       'look at its disk, its long queries (max_standby_streaming_delay) and the network' AS fix
  FROM (SELECT r.*, greatest(pg_wal_lsn_diff(CASE WHEN pg_is_in_recovery() THEN pg_last_wal_receive_lsn()
                                                  ELSE pg_current_wal_lsn() END,
                                             coalesce(r.replay_lsn, r.flush_lsn, r.sent_lsn)), 0) AS behind
          FROM pg_stat_replication AS r
         WHERE r.state <> 'backup') AS s
 WHERE replay_lag > interval '1 minute' OR behind > pg_size_bytes(current_setting('max_wal_size'))
 ORDER BY behind DESC
 LIMIT 20
