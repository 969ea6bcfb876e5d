-- One row: the number that initdb gave this cluster and that its standbys share.
SELECT system_identifier::text AS system_identifier FROM pg_control_system()
