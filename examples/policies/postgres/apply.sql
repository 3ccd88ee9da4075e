-- For the job that runs `keyrec apply` after the merge, and the one that runs
-- `keyrec apply --maintenance`. It changes rows and no table. Rows are removed in two tables alone:
-- of a resource that is no longer declared, and of answers that nobody can repeat any more.
--
-- Run by the owner of the tables or an administrator, after `keyrec init`, and again after every
-- `keyrec init` that brought the tables to a newer form. Running it twice changes nothing.

REVOKE ALL ON ALL TABLES IN SCHEMA keyrec FROM keyrec_apply;
GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA keyrec TO keyrec_apply;
GRANT DELETE ON keyrec.resources, keyrec.commits TO keyrec_apply;

-- The audit chain is appended to, and the tables' form is the owner's.
REVOKE UPDATE ON keyrec.audit FROM keyrec_apply;
REVOKE INSERT, UPDATE ON keyrec.keyrec_migrations FROM keyrec_apply;
