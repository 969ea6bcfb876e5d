-- One row: does a base backup run? PostgreSQL 12 has no view of their progress.
SELECT pg_is_in_backup()
       OR EXISTS (SELECT 1 FROM pg_stat_activity
                   WHERE backend_type = 'walsender' AND query ILIKE 'BASE\_BACKUP%') AS base_backup
