-- Other sessions that hold the lock of a tuning session (app/claim.c), in whatever database: one row for each.
SELECT l.pid, a.usename AS role, a.application_name AS application, host(a.client_addr) AS client_addr, d.datname AS database
  FROM pg_catalog.pg_locks AS l
  LEFT JOIN pg_catalog.pg_stat_activity AS a ON a.pid = l.pid
  LEFT JOIN pg_catalog.pg_database AS d ON d.oid = l.database
 WHERE l.locktype = 'advisory' AND l.classid = 1885824105 AND l.objid = 1634168431 AND l.objsubid = 2
   AND l.granted AND l.pid <> pg_catalog.pg_backend_pid()
 ORDER BY l.pid
 LIMIT 1
