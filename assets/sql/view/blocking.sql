-- Sessions that wait for a lock and those that they wait for, each once, with the lock that is wanted. pid 0 stands for a prepared
-- transaction, which has no session. The names of relations are known in this database alone.
WITH waiting AS (
  SELECT pid, pg_catalog.pg_blocking_pids(pid) AS by FROM pg_catalog.pg_stat_activity
   WHERE wait_event_type = 'Lock' LIMIT 300
), involved AS (
  SELECT pid, by FROM waiting WHERE cardinality(by) > 0
  UNION ALL
  SELECT pid, NULL FROM (
    SELECT unnest(by) AS pid FROM waiting EXCEPT SELECT pid FROM waiting WHERE cardinality(by) > 0) AS roots
), wanted AS (
  SELECT DISTINCT ON (pid) pid, locktype, mode, relation, page, tuple, transactionid, database
    FROM pg_catalog.pg_locks WHERE NOT granted ORDER BY pid, fastpath
)
SELECT i.pid, a.backend_start, a.query_start, a.usename, a.datname, a.application_name,
       CASE WHEN i.pid = 0 THEN 'prepared transaction' ELSE coalesce(a.state, 'hidden') END AS state,
       array_to_string(i.by, ', ') AS blockers, NULL AS behind,
       l.mode, l.locktype,
       CASE WHEN l.locktype IN ('relation', 'extend', 'page', 'tuple') AND l.database
                 IN (0, (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database()))
            THEN (SELECT n.nspname || '.' || c.relname FROM pg_catalog.pg_class AS c
                    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace WHERE c.oid = l.relation)
            WHEN l.locktype = 'transactionid' THEN 'end of transaction ' || l.transactionid
            WHEN l.relation IS NOT NULL THEN 'relation ' || l.relation::bigint END AS object,
       CASE WHEN i.by IS NOT NULL THEN extract(epoch FROM clock_timestamp() - a.query_start) END AS waits_s,
       extract(epoch FROM clock_timestamp() - a.xact_start) AS xact_s,
       left(a.query, 3900) AS query,
       CASE WHEN count(*) FILTER (WHERE i.pid > 0 AND a.state IS NULL) OVER () > 0
            THEN 'what other users do needs pg_read_all_stats: GRANT pg_read_all_stats TO ' || quote_ident(current_user) END AS note
  FROM involved AS i
  LEFT JOIN pg_catalog.pg_stat_activity AS a ON a.pid = i.pid AND i.pid > 0
  LEFT JOIN wanted AS l ON l.pid = i.pid AND i.by IS NOT NULL
 ORDER BY a.query_start NULLS FIRST, i.pid
 LIMIT 501
