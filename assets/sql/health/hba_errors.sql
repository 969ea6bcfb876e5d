-- Lines of pg_hba.conf that the server cannot take.
SELECT format('pg_hba.conf:%s', line_number) AS object, error AS figure, 'mend the line, then SELECT pg_reload_conf();' AS fix
  FROM pg_hba_file_rules
 WHERE error IS NOT NULL
 ORDER BY line_number
 LIMIT 20
