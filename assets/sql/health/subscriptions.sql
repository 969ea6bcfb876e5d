-- Subscriptions that bring nothing: disabled, or without a worker at this moment.
SELECT quote_ident(s.subname) AS object,
       CASE WHEN s.subenabled THEN 'no worker of it runs: the server''s log has the reason' ELSE 'it is disabled' END AS figure,
       CASE WHEN s.subenabled THEN 'mend what the log names; the publisher keeps WAL meanwhile'
            ELSE format('ALTER SUBSCRIPTION %I ENABLE; or drop it: its slot keeps WAL at the publisher', s.subname) END AS fix
  FROM pg_subscription AS s
 WHERE s.subdbid = (SELECT oid FROM pg_database WHERE datname = current_database())
   AND NOT EXISTS (SELECT 1 FROM pg_stat_subscription AS t WHERE t.subname = s.subname AND t.relid IS NULL AND t.pid IS NOT NULL)
 ORDER BY s.subname
 LIMIT 20
