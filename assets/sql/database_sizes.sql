-- The sizes of the other databases that our role may ask for.
SELECT datname AS name, pg_database_size(oid) AS bytes
  FROM pg_database
 WHERE datallowconn AND datname <> current_database()
   AND (has_database_privilege(oid, 'CONNECT') OR pg_has_role('pg_read_all_stats', 'USAGE'))
 ORDER BY datname
 LIMIT 64
