-- Tables with triggers that were switched off, those of foreign keys among them: what they are to keep is not kept.
SELECT tgrelid::regclass::text AS object,
       concat_ws(', ', string_agg(quote_ident(tgname), ', ' ORDER BY tgname) FILTER (WHERE NOT tgisinternal),
                 CASE WHEN count(*) FILTER (WHERE tgisinternal) > 0 THEN 'foreign keys are not checked' END) AS figure,
       format('ALTER TABLE %s %s; -- then look for rows that should not be there', tgrelid::regclass,
              CASE WHEN bool_or(tgisinternal) THEN 'ENABLE TRIGGER ALL'
                   ELSE string_agg(format('ENABLE TRIGGER %I', tgname), ', ' ORDER BY tgname) END) AS fix
  FROM pg_trigger
 WHERE tgenabled = 'D'
 GROUP BY tgrelid
 ORDER BY 1
 LIMIT 20
