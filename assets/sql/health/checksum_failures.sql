-- Databases in which a page was read that does not match its checksum.
SELECT coalesce(quote_ident(datname), 'shared tables') AS object,
       format('%s damaged pages read, the last at %s', checksum_failures, date_trunc('second', checksum_last_failure)) AS figure,
       'the server''s log names the files; look at the disk, restore the pages from a backup or a standby' AS fix
  FROM pg_stat_database
 WHERE checksum_failures > 0
 ORDER BY checksum_failures DESC
 LIMIT 20
