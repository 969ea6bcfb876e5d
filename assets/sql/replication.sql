-- One row: standbys and how far they are behind (on a standby: how far this one is), slots that nobody uses, and the failed
-- attempts of an archiver that has not succeeded since.
SELECT (SELECT count(*) FROM pg_stat_replication) AS replicas,
       CASE WHEN pg_is_in_recovery()
            THEN (SELECT extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp()))
            ELSE (SELECT coalesce(max(extract(epoch FROM replay_lag)), 0) FROM pg_stat_replication) END AS replica_lag_s,
       (SELECT count(*) FROM pg_replication_slots WHERE NOT active) AS slots_inactive,
       (SELECT CASE WHEN last_failed_time > coalesce(last_archived_time, '-infinity')
                    THEN failed_count ELSE 0 END
          FROM pg_stat_archiver) AS archive_failed
