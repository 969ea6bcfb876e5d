-- Lines of the configuration files that the server could not take.
SELECT format('%s:%s', regexp_replace(sourcefile, '.*/', ''), sourceline) AS object,
       concat_ws(': ', f.name, f.error) AS figure, 'mend the line, then SELECT pg_reload_conf();' AS fix
  FROM pg_file_settings AS f
 WHERE error IS NOT NULL
   AND NOT EXISTS (SELECT 1 FROM pg_settings AS s -- these wait for a restart, and are a finding of their own
                    WHERE s.name = f.name AND s.pending_restart)
 ORDER BY seqno
 LIMIT 20
