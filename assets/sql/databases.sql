-- The databases that one can connect to, this one first.
SELECT datname AS name
  FROM pg_database
 WHERE datallowconn
 ORDER BY datname = current_database() DESC, datname
 LIMIT 64
