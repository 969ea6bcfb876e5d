-- Rules that let others in from other machines without any password.
SELECT format('pg_hba.conf:%s', line_number) AS object,
       format('%s from %s for %s without a password', auth_method, address, array_to_string(user_name, ', ')) AS figure,
       'scram-sha-256, or a narrower rule' AS fix
  FROM pg_hba_file_rules
 WHERE error IS NULL AND auth_method = 'trust' AND type LIKE 'host%'
   AND address NOT LIKE '127.%' AND address NOT IN ('::1', 'localhost', 'samehost')
 ORDER BY line_number
 LIMIT 20
