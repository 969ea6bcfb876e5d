-- Sessions that sit in an open transaction for ten seconds and more; after a minute somebody has to act without doing anything.
SELECT format('session %s of %s', pid, coalesce(usename, '?')) AS object,
       format('idle in transaction for %s, %s', date_trunc('second', clock_timestamp() - state_change),
              CASE WHEN backend_xmin IS NULL AND backend_xid IS NULL THEN 'holds no rows back'
                   ELSE 'vacuum cannot remove what changed since' END) AS figure,
       'end the transaction in the application; idle_in_transaction_session_timeout is a net' AS fix,
       CASE WHEN clock_timestamp() - state_change < interval '1 minute' THEN 'note' END AS grade
  FROM pg_stat_activity
 WHERE state IN ('idle in transaction', 'idle in transaction (aborted)')
   AND clock_timestamp() - state_change >= interval '10 seconds'
 ORDER BY state_change
 LIMIT 20
