-- One row: what our role may do, before PostgreSQL 15 knew rights on single settings.
SELECT r.rolsuper AS superuser,
       pg_has_role('pg_monitor', 'USAGE') AS pg_monitor,
       pg_has_role('pg_read_all_settings', 'USAGE') AS read_settings,
       pg_has_role('pg_read_all_stats', 'USAGE') AS read_stats,
       r.rolsuper AS alter_system,
       true AS allow_alter_system,
       has_function_privilege('pg_catalog.pg_reload_conf()', 'EXECUTE') AS reload,
       has_table_privilege('pg_catalog.pg_file_settings', 'SELECT')
           AND has_function_privilege('pg_catalog.pg_show_all_file_settings()', 'EXECUTE') AS file_settings,
       has_table_privilege('pg_catalog.pg_hba_file_rules', 'SELECT')
           AND has_function_privilege('pg_catalog.pg_hba_file_rules()', 'EXECUTE') AS hba_rules,
       r.rolsuper AS checkpoint,
       r.rolsuper OR r.rolcreatedb AS create_db
  FROM pg_roles AS r
 WHERE r.rolname = current_user
