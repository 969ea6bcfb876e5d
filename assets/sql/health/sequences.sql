-- Sequences that have used three quarters of what they, or the columns that they fill, can hold: those of the largest tables, no more
-- than 300. Where one stands is asked by its oid, never by its name: until that is looked up, its schema's owner can have put a view
-- there, whose functions would run with our rights. The lock is that of nextval(), on the sequence alone and until this statement
-- ends; what somebody holds against it is left out. The last rows say how many were not looked at, and why.
WITH held AS MATERIALIZED (
    SELECT relation FROM pg_locks
     WHERE locktype = 'relation' AND mode IN ('ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')
       AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
), known AS MATERIALIZED (
    SELECT q.seqrelid, q.seqtypid, q.seqmax, d.refobjid, d.refobjsubid, coalesce(t.reltuples, 0) AS rows,
           CASE WHEN NOT has_sequence_privilege(q.seqrelid, 'USAGE, SELECT') THEN 'this role may not read them'
                WHEN q.seqrelid IN (SELECT relation FROM held) THEN 'somebody has locked them' END AS why
      FROM pg_sequence AS q
      LEFT JOIN pg_depend AS d ON d.classid = 'pg_class'::regclass AND d.objid = q.seqrelid
       AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i') AND d.refobjsubid > 0
      LEFT JOIN pg_class AS t ON t.oid = d.refobjid
     WHERE NOT q.seqcycle AND q.seqincrement > 0
), chosen AS (
    SELECT format('%I.%I', n.nspname, c.relname) AS name, k.seqrelid, k.seqmax, k.seqtypid,
           least(k.seqmax, CASE a.atttypid WHEN 'int2'::regtype THEN 32767 WHEN 'int4'::regtype THEN 2147483647 ELSE k.seqmax END)
           AS most
      FROM (SELECT * FROM known WHERE why IS NULL ORDER BY rows DESC, seqrelid LIMIT 300) AS k
      JOIN pg_class AS c ON c.oid = k.seqrelid AND c.relkind = 'S' AND c.relpersistence <> 't'
       AND NOT (c.relpersistence = 'u' AND pg_is_in_recovery())
      JOIN pg_namespace AS n ON n.oid = c.relnamespace
      LEFT JOIN pg_attribute AS a ON a.attrelid = k.refobjid AND a.attnum = k.refobjsubid
), stands AS MATERIALIZED (
    SELECT name, most, most < seqmax OR seqtypid <> 'int8'::regtype AS narrow,
           pg_catalog.pg_sequence_last_value(seqrelid) AS at
      FROM chosen
)
(SELECT name AS object, format('at %s of %s', at, most) AS figure,
        CASE WHEN narrow THEN 'let the column and its sequence be bigint' ELSE 'ALTER SEQUENCE … MAXVALUE, or CYCLE' END AS fix,
        CASE WHEN at > 0.95 * most THEN 'critical' END AS grade
   FROM stands
  WHERE at > 0.75 * most
  ORDER BY at::float8 / most DESC
  LIMIT 20)
UNION ALL
SELECT '', format('%s sequences of smaller tables were not looked at', count(*) - 300), '', 'unknown'
  FROM known
 WHERE why IS NULL
HAVING count(*) > 300
UNION ALL
SELECT '', format('%s sequences were not looked at: %s', count(*), why), '', 'unknown'
  FROM known
 WHERE why IS NOT NULL
 GROUP BY why
