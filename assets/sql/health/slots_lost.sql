-- Replication slots that have lost the WAL behind them, or will at the next checkpoint (PostgreSQL 13 and later say so).
SELECT slot_name AS object,
       CASE to_jsonb(s) ->> 'wal_status' WHEN 'lost' THEN 'its WAL has been removed'
            ELSE 'its WAL is removed at the next checkpoint' END AS figure,
       CASE to_jsonb(s) ->> 'wal_status'
            WHEN 'lost' THEN format('build its standby or subscriber anew; SELECT pg_drop_replication_slot(%L);', slot_name)
            ELSE 'a larger max_slot_wal_keep_size, now, or bring its reader back' END AS fix
  FROM pg_replication_slots AS s
 WHERE to_jsonb(s) ->> 'wal_status' IN ('lost', 'unreserved')
 ORDER BY slot_name
 LIMIT 20
