-- Rules that let a password cross the network as it is typed.
SELECT format('pg_hba.conf:%s', line_number) AS object,
       format('password from %s for %s, in clear text', address, array_to_string(user_name, ', ')) AS figure,
       'scram-sha-256 instead of password, or hostssl' AS fix
  FROM pg_hba_file_rules
 WHERE error IS NULL AND auth_method = 'password' AND type IN ('host', 'hostnossl')
   AND address NOT LIKE '127.%' AND address NOT IN ('::1', 'localhost', 'samehost')
 ORDER BY line_number
 LIMIT 20
