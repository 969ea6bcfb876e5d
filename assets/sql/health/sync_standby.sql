-- Commits wait for a standby, and none is there.
SELECT current_setting('synchronous_standby_names') AS object,
       format('synchronous_commit = %s, and no standby of these names is connected', current_setting('synchronous_commit')) AS figure,
       'bring the standby back; until then: ALTER SYSTEM SET synchronous_standby_names = ''''; and a reload' AS fix
 WHERE btrim(current_setting('synchronous_standby_names')) <> '' AND NOT pg_is_in_recovery()
   AND current_setting('synchronous_commit') NOT IN ('off', 'local')
   AND NOT EXISTS (SELECT 1 FROM pg_stat_replication WHERE sync_state IN ('sync', 'quorum'))
