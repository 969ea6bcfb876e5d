-- The client sessions, the longest statement first; ours are left out. Who blocks whom is asked of those alone that wait for a lock.
-- A role without pg_read_all_stats sees the names of others, not what they do: state is NULL then.
SELECT a.pid, a.usename, a.datname, a.application_name, a.backend_start, a.query_start,
       coalesce(host(a.client_addr), CASE WHEN a.backend_start IS NOT NULL THEN 'local' END) AS client,
       coalesce(a.state, 'hidden') AS state,
       CASE WHEN a.state LIKE 'idle%' THEN NULL
            WHEN a.wait_event IS NOT NULL THEN a.wait_event_type || ':' || a.wait_event
            WHEN a.state IS NOT NULL THEN 'CPU' END AS wait,
       CASE WHEN a.state = 'active' THEN extract(epoch FROM clock_timestamp() - a.query_start) END AS statement_s,
       extract(epoch FROM clock_timestamp() - a.xact_start) AS xact_s,
       CASE WHEN a.state LIKE 'idle%' THEN extract(epoch FROM clock_timestamp() - a.state_change) END AS idle_s,
       CASE WHEN a.wait_event_type = 'Lock' THEN cardinality(pg_catalog.pg_blocking_pids(a.pid)) END AS blocked,
       CASE WHEN a.wait_event_type = 'Lock'
            THEN array_to_string(pg_catalog.pg_blocking_pids(a.pid), ', ') END AS blockers,
       CASE WHEN a.state IS NOT NULL THEN left(a.query, 3900) END AS query,
       nullif(concat_ws('; ',
         CASE WHEN count(*) FILTER (WHERE a.state IS NULL) OVER () > 0
              THEN 'what other users do needs pg_read_all_stats: GRANT pg_read_all_stats TO ' || quote_ident(current_user) END,
         (SELECT 'our own ' || count(*) || ' left out' FROM pg_catalog.pg_stat_get_activity(NULL) AS o
           WHERE o.application_name = 'pg_diagnose' HAVING count(*) > 0)), '') AS note
  FROM pg_catalog.pg_stat_activity AS a
 WHERE (a.backend_type = 'client backend' OR (a.backend_type IS NULL AND a.usesysid IS NOT NULL AND a.datid IS NOT NULL))
   AND coalesce(a.application_name, '') <> 'pg_diagnose'
 ORDER BY a.state = 'active' DESC NULLS LAST, a.state <> 'idle' DESC NULLS LAST, a.query_start NULLS LAST
 LIMIT 501
