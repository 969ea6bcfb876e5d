-- One row: how the traffic of this database can be measured. What is not there is NULL. The reset value of track is the
-- server's own: our sessions may have switched it off for themselves.
SELECT n.nspname AS schema, e.extversion AS version,
       (SELECT reset_val FROM pg_catalog.pg_settings WHERE name = 'pg_stat_statements.track') AS track,
       (SELECT setting FROM pg_catalog.pg_settings WHERE name = 'shared_preload_libraries') AS preloaded,
       (SELECT setting FROM pg_catalog.pg_settings WHERE name = 'track_counts') AS track_counts,
       (SELECT true FROM pg_catalog.pg_available_extensions WHERE name = 'pg_stat_statements') AS available,
       (SELECT true FROM pg_catalog.pg_attribute
         WHERE attrelid = 'pg_catalog.pg_stat_database'::regclass AND attname = 'active_time') AS active_time,
       pg_catalog.pg_has_role(current_user, 'pg_read_all_stats', 'USAGE') AS read_stats
  FROM (SELECT 1) AS one
  LEFT JOIN pg_catalog.pg_extension AS e ON e.extname = 'pg_stat_statements'
  LEFT JOIN pg_catalog.pg_namespace AS n ON n.oid = e.extnamespace
