-- Sessions that have waited for a lock for a second and more; after five somebody has to look, and who holds it.
SELECT format('session %s of %s', a.pid, coalesce(a.usename, '?')) AS object,
       format('waits for %s, blocked by %s', date_trunc('second', clock_timestamp() - a.state_change),
              array_to_string(pg_blocking_pids(a.pid), ', ')) AS figure,
       format('look at session %s first', (pg_blocking_pids(a.pid))[1]) AS fix,
       CASE WHEN clock_timestamp() - a.state_change < interval '5 seconds' THEN 'note' END AS grade
  FROM pg_stat_activity AS a
 WHERE a.wait_event_type = 'Lock' AND clock_timestamp() - a.state_change >= interval '1 second'
 ORDER BY a.state_change
 LIMIT 20
