-- An archiver that has not succeeded since it failed.
SELECT 'archive_command' AS object,
       format('failed %s times, last for %s', failed_count, last_failed_wal) AS figure,
       'the server''s log has its words; WAL gathers in pg_wal until it works' AS fix
  FROM pg_stat_archiver
 WHERE last_failed_time > coalesce(last_archived_time, '-infinity')
