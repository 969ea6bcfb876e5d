-- Standbys that are a minute and more behind.
SELECT coalesce(nullif(application_name, ''), client_addr::text, 'standby') AS object,
       format('replay is %s behind, state %s', date_trunc('second', replay_lag), state) AS figure,
       'look at its disk, its long queries (max_standby_streaming_delay) and the network' AS fix
  FROM pg_stat_replication
 WHERE replay_lag > interval '1 minute'
 ORDER BY replay_lag DESC
 LIMIT 20
