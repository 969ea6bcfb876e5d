-- How much room databases and tablespaces take. The server counts files for it, so this is asked once a minute and only while it is shown.
SELECT 'database' AS kind, datname AS name,
       CASE WHEN has_database_privilege(oid, 'CONNECT') OR pg_has_role('pg_read_all_stats', 'USAGE')
            THEN pg_database_size(oid) END AS bytes,
       (SELECT spcname FROM pg_catalog.pg_tablespace AS t WHERE t.oid = dattablespace) AS place
  FROM (SELECT * FROM pg_catalog.pg_database WHERE datallowconn OR datistemplate ORDER BY oid DESC LIMIT 200) AS d
UNION ALL
SELECT 'tablespace', spcname,
       CASE WHEN has_tablespace_privilege(oid, 'CREATE') OR pg_has_role('pg_read_all_stats', 'USAGE')
            THEN pg_tablespace_size(oid) END,
       coalesce(nullif(pg_tablespace_location(oid), ''), 'the data directory')
  FROM (SELECT * FROM pg_catalog.pg_tablespace ORDER BY oid LIMIT 50) AS t
 ORDER BY kind, bytes DESC NULLS LAST
