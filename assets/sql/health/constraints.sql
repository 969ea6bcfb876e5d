-- Constraints that were added NOT VALID and never validated: old rows may break them, and the planner does not rely on them.
SELECT format('%s (%s)', conrelid::regclass, conname) AS object, 'not validated' AS figure,
       format('ALTER TABLE %s VALIDATE CONSTRAINT %I;', conrelid::regclass, conname) AS fix
  FROM pg_constraint AS k
 WHERE NOT convalidated AND contype IN ('f', 'c', 'n') AND conrelid <> 0
   AND coalesce(to_jsonb(k) ->> 'conenforced', 'true') = 'true' -- one that is not enforced is not validated either
 ORDER BY 1
 LIMIT 20
