-- Roles whose password is stored as MD5, whatever new ones are stored as.
SELECT quote_ident(rolname) AS object, 'its password is stored as MD5' AS figure,
       format('with password_encryption = ''scram-sha-256'' set it again: \password %I', rolname) AS fix
  FROM pg_authid
 WHERE rolpassword LIKE 'md5%' AND rolcanlogin
 ORDER BY rolname
 LIMIT 20
