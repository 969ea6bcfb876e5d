-- One row: does a base backup run?
SELECT EXISTS (SELECT 1 FROM pg_stat_progress_basebackup) AS base_backup
