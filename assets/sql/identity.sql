-- One row that every role may read: which server, database and role this is. Files are NULL for those who may not see them.
-- The timeline rises with each promotion and with nothing else that happens while a server runs.
SELECT current_setting('server_version_num') AS version_num,
       current_setting('server_version') AS version,
       pg_is_in_recovery() AS standby,
       host(inet_server_addr()) AS server_addr,
       host(inet_client_addr()) AS client_addr,
       coalesce(inet_server_port()::text, current_setting('port')) AS server_port,
       current_setting('cluster_name') AS cluster_name,
       (extract(epoch FROM pg_postmaster_start_time()) * 1000000)::bigint AS postmaster_start_us,
       CASE WHEN NOT pg_is_in_recovery()
            THEN ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int END AS timeline,
       pg_backend_pid() AS backend_pid,
       current_database() AS database,
       current_user AS role,
       (SELECT setting FROM pg_settings WHERE name = 'data_directory') AS data_directory,
       (SELECT setting FROM pg_settings WHERE name = 'config_file') AS config_file,
       (SELECT setting FROM pg_settings WHERE name = 'hba_file') AS hba_file
