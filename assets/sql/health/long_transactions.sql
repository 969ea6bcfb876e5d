-- Transactions that have been at work for five minutes and more; after an hour they are vacuum's trouble. Those that do nothing meanwhile are a finding of their own.
SELECT format('session %s of %s', pid, coalesce(usename, '?')) AS object,
       format('runs for %s: %s', date_trunc('second', clock_timestamp() - xact_start),
              left(regexp_replace(query, '\s+', ' ', 'g'), 80)) AS figure,
       format('if nobody waits for it: SELECT pg_cancel_backend(%s);', pid) AS fix,
       CASE WHEN clock_timestamp() - xact_start < interval '1 hour' THEN 'note' END AS grade
  FROM pg_stat_activity
 WHERE backend_type = 'client backend' AND state = 'active' AND pid <> pg_backend_pid()
   AND (backend_xmin IS NOT NULL OR backend_xid IS NOT NULL)
   AND clock_timestamp() - xact_start >= interval '5 minutes'
 ORDER BY xact_start
 LIMIT 20
