-- All that follows or is followed: standbys, slots, what this standby receives and has replayed, recovery conflicts, subscriptions.
-- Bytes are counted from where this server is: its own WAL on a primary, what it has received on a standby.
WITH here AS MATERIALIZED (
  SELECT CASE WHEN pg_is_in_recovery() THEN coalesce(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn())
              ELSE pg_current_wal_lsn() END AS lsn,
         pg_is_in_recovery() AS standby
)
SELECT 'standby' AS kind, r.pid, coalesce(nullif(r.application_name, ''), 'pid ' || r.pid) AS name, host(r.client_addr) AS peer,
       coalesce(r.state, 'hidden') AS state, r.sync_state AS sync,
       pg_wal_lsn_diff(h.lsn, r.sent_lsn) AS sent, pg_wal_lsn_diff(h.lsn, r.write_lsn) AS written,
       pg_wal_lsn_diff(h.lsn, r.flush_lsn) AS flushed, pg_wal_lsn_diff(h.lsn, r.replay_lsn) AS replayed,
       extract(epoch FROM r.replay_lag) AS lag_s, extract(epoch FROM r.flush_lag) AS flush_lag_s,
       NULL::numeric AS kept, NULL AS wal_status, NULL::bigint AS safe, NULL::bigint AS conflicts,
       'user ' || r.usename AS detail,
       CASE WHEN r.state IS NULL
            THEN 'how far standbys are needs pg_read_all_stats: GRANT pg_read_all_stats TO ' || quote_ident(current_user) END AS note
  FROM pg_catalog.pg_stat_replication AS r, here AS h
UNION ALL
SELECT 'slot', s.active_pid, s.slot_name, NULL, CASE WHEN s.active THEN 'active' ELSE 'inactive' END, s.slot_type,
       NULL, NULL, pg_wal_lsn_diff(h.lsn, s.confirmed_flush_lsn), NULL, NULL, NULL, pg_wal_lsn_diff(h.lsn, s.restart_lsn),
       NULL, NULL, NULL, --@..12
       s.wal_status, s.safe_wal_size, NULL, --@13..
       nullif(concat_ws(', ', s.plugin || ' of ' || s.database, CASE WHEN s.temporary THEN 'temporary' END,
         'xmin ' || age(s.xmin) || ' transactions old', 'catalog xmin ' || age(s.catalog_xmin) || ' transactions old'
         , 'unused for ' || date_trunc('second', clock_timestamp() - s.inactive_since), 'invalid: ' || s.invalidation_reason --@17..
         ), ''), NULL
  FROM pg_catalog.pg_replication_slots AS s, here AS h
UNION ALL
SELECT 'receiver', w.pid, coalesce('from ' || w.sender_host || ':' || w.sender_port, 'from a primary'), w.sender_host,
       coalesce(w.status, 'hidden'), w.slot_name, pg_wal_lsn_diff(w.latest_end_lsn, w.upto), NULL, NULL,
       pg_wal_lsn_diff(w.upto, pg_last_wal_replay_lsn()),
       CASE WHEN w.upto = pg_last_wal_replay_lsn() THEN 0 WHEN w.upto IS NOT NULL
            THEN extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp()) END,
       NULL, NULL, NULL, NULL, NULL,
       'last message ' || date_trunc('second', clock_timestamp() - w.last_msg_receipt_time) || ' ago, timeline ' || w.received_tli, NULL
  FROM (SELECT *,
               received_lsn AS upto --@..12
               flushed_lsn AS upto --@13..
          FROM pg_catalog.pg_stat_wal_receiver) AS w
UNION ALL
SELECT 'replay', NULL, 'this standby', NULL, CASE WHEN pg_is_wal_replay_paused() THEN 'paused' ELSE 'replaying' END, NULL, NULL, NULL, NULL,
       pg_wal_lsn_diff(h.lsn, pg_last_wal_replay_lsn()),
       CASE WHEN h.lsn = pg_last_wal_replay_lsn() THEN 0
            ELSE extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp()) END,
       NULL, NULL, NULL, NULL, NULL,
       'the last transaction that was replayed is of ' || date_trunc('second', pg_last_xact_replay_timestamp()), NULL
  FROM here AS h
 WHERE h.standby
UNION ALL
SELECT 'conflicts', NULL, c.datname, NULL, 'cancelled', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
       c.confl_tablespace + c.confl_lock + c.confl_snapshot + c.confl_bufferpin + c.confl_deadlock,
       format('lock %s, snapshot %s, buffer pin %s, deadlock %s, tablespace %s', c.confl_lock, c.confl_snapshot, c.confl_bufferpin,
              c.confl_deadlock, c.confl_tablespace), NULL
  FROM pg_catalog.pg_stat_database_conflicts AS c, here AS h
 WHERE h.standby AND c.confl_tablespace + c.confl_lock + c.confl_snapshot + c.confl_bufferpin + c.confl_deadlock > 0
UNION ALL
SELECT 'subscription', u.pid, u.subname || coalesce(' (' || u.relid::regclass || ')', ''), NULL,
       CASE WHEN u.pid IS NULL THEN 'down' ELSE 'running' END, NULL, pg_wal_lsn_diff(u.latest_end_lsn, u.received_lsn), NULL, NULL, NULL,
       extract(epoch FROM clock_timestamp() - u.latest_end_time), NULL, NULL, NULL, NULL, NULL,
       'last message ' || date_trunc('second', clock_timestamp() - u.last_msg_receipt_time) || ' ago', NULL
  FROM pg_catalog.pg_stat_subscription AS u
 LIMIT 501
