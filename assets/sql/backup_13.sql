-- One row: does a base backup run? Exclusive ones end with PostgreSQL 14.
-- A backup that is not exclusive, over an ordinary session (pgBackRest, Barman), stands in no view: backup_session is our guess
-- from what such a session last did, NULL when there is none.
SELECT pg_catalog.pg_is_in_backup()
       OR EXISTS (SELECT 1 FROM pg_catalog.pg_stat_progress_basebackup) AS base_backup,
       (SELECT string_agg(DISTINCT coalesce(nullif(application_name, ''), 'a session') || ' of ' || coalesce(usename, '?'), ', ')
          FROM pg_catalog.pg_stat_activity
         WHERE backend_type = 'client backend' AND pid <> pg_catalog.pg_backend_pid()
           AND coalesce(application_name, '') NOT LIKE 'pg\_diagnose%'
           AND (application_name LIKE 'pgBackRest [backup%'
                OR query ~* '\mpg_(start_backup|backup_start)\s*\(' AND query !~* '\mpg_(stop_backup|backup_stop)\s*\('))
       AS backup_session
