-- One row: the bytes of WAL from the log's own position; PostgreSQL 12 and 13 count nothing else.
SELECT pg_catalog.pg_wal_lsn_diff(CASE WHEN pg_catalog.pg_is_in_recovery()
                                       THEN pg_catalog.pg_last_wal_replay_lsn()
                                       ELSE pg_catalog.pg_current_wal_insert_lsn() END, '0/0') AS wal_bytes
