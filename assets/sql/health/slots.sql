-- Replication slots that nobody reads: the WAL behind them is kept for ever, and so are dead rows.
SELECT slot_name AS object,
       format('not active, keeps %s of WAL', pg_size_pretty(pg_wal_lsn_diff(
              CASE WHEN pg_is_in_recovery() THEN pg_last_wal_receive_lsn() ELSE pg_current_wal_lsn() END, restart_lsn))) AS figure,
       format('SELECT pg_drop_replication_slot(%L);', slot_name) AS fix
  FROM pg_replication_slots
 WHERE NOT active AND NOT temporary AND restart_lsn IS NOT NULL
 ORDER BY restart_lsn
 LIMIT 20
