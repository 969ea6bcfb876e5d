-- Sequences that have used three quarters of what they, or the column that they fill, can hold. Reading where a sequence stands
-- locks it until the statement ends, so that no more than 300 are: those of the largest tables first. The last row says how many
-- were left out.
WITH known AS (
    SELECT q.seqrelid, q.seqmax, q.seqtypid, a.atttypid, coalesce(t.reltuples, 0) AS rows
      FROM pg_sequence AS q
      LEFT JOIN pg_depend AS d ON d.classid = 'pg_class'::regclass AND d.objid = q.seqrelid
       AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i') AND d.refobjsubid > 0
      LEFT JOIN pg_attribute AS a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
      LEFT JOIN pg_class AS t ON t.oid = d.refobjid
     WHERE NOT q.seqcycle AND q.seqincrement > 0
), chosen AS (
    SELECT * FROM known ORDER BY rows DESC, seqrelid LIMIT 300
), stand AS MATERIALIZED (
    SELECT s.*, CASE WHEN has_sequence_privilege(s.seqrelid, 'SELECT, USAGE') THEN pg_sequence_last_value(s.seqrelid) END AS at,
           least(s.seqmax, CASE s.atttypid WHEN 'int2'::regtype THEN 32767 WHEN 'int4'::regtype THEN 2147483647 ELSE s.seqmax END)
           AS most
      FROM chosen AS s
)
(SELECT seqrelid::regclass::text AS object,
        format('at %s of %s', at, most) AS figure,
        CASE WHEN most < seqmax OR seqtypid <> 'int8'::regtype
             THEN 'let the column and its sequence be bigint' ELSE 'ALTER SEQUENCE … MAXVALUE, or CYCLE' END AS fix,
        CASE WHEN at > 0.95 * most THEN 'critical' END AS grade
   FROM stand
  WHERE at > 0.75 * most
  ORDER BY at::float8 / most DESC
  LIMIT 20)
UNION ALL
SELECT '', format('%s sequences of smaller tables were not looked at', count(*) - 300), '', 'unknown'
  FROM known
HAVING count(*) > 300
