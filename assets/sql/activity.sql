-- One row: the client sessions by state, ours left out, and what the active ones wait for (one "wait=count" a line).
-- bench_pids: the backends of our own pgbench, by blanks.
-- A role that may not see the sessions of others gets their number alone: hidden.
SELECT coalesce(sum(n), 0) AS sessions,
       coalesce(sum(n) FILTER (WHERE state IN ('active', 'fastpath function call')), 0) AS active,
       coalesce(sum(n) FILTER (WHERE state = 'idle'), 0) AS idle,
       coalesce(sum(n) FILTER (WHERE state LIKE 'idle in transaction%'), 0) AS idle_tx,
       coalesce(sum(n) FILTER (WHERE wait LIKE 'Lock:%'), 0) AS waiting,
       coalesce(sum(n) FILTER (WHERE state IS NULL), 0) AS hidden,
       string_agg(wait || '=' || n::text, E'\n') AS waits,
       string_agg(bench, ' ') AS bench_pids
  FROM (SELECT state,
               CASE WHEN state = 'active' THEN coalesce(wait_event_type || ':' || wait_event, 'CPU') END AS wait,
               count(*) AS n,
               string_agg(CASE WHEN application_name = 'pg_diagnose_bench' THEN pid::text END, ' ') AS bench
          FROM pg_catalog.pg_stat_get_activity(NULL)
         WHERE (backend_type = 'client backend' OR (backend_type IS NULL AND usesysid IS NOT NULL AND datid IS NOT NULL))
           AND coalesce(application_name, '') <> 'pg_diagnose'
         GROUP BY 1, 2) AS groups
