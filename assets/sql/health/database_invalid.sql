-- Databases whose DROP DATABASE was interrupted: nobody can connect to them, and their files stay.
SELECT quote_ident(datname) AS object, 'its DROP DATABASE did not end' AS figure, format('DROP DATABASE %I;', datname) AS fix
  FROM pg_database
 WHERE datconnlimit = -2
 ORDER BY datname
 LIMIT 20
