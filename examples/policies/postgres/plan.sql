-- For the job that runs `keyrec plan` on a pull request; also enough for status, get, history, drift,
-- audit verify, export and lock status. It reads, and it cannot read the hash of a secret.
--
-- Run by the owner of the tables or an administrator, after `keyrec init`, and again after every
-- `keyrec init` that brought the tables to a newer form. Running it twice changes nothing.

REVOKE ALL ON ALL TABLES IN SCHEMA keyrec FROM keyrec_plan;
GRANT SELECT ON ALL TABLES IN SCHEMA keyrec TO keyrec_plan;

-- Column by column here: all but the hashes.
REVOKE SELECT ON keyrec.key_versions FROM keyrec_plan;
DO $$
DECLARE
  shown text;
BEGIN
  SELECT string_agg(quote_ident(attname), ', ') INTO shown
  FROM pg_attribute
  WHERE attrelid = 'keyrec.key_versions'::regclass
    AND attnum > 0 AND NOT attisdropped AND attname <> 'secret_hash';
  EXECUTE 'GRANT SELECT (' || shown || ') ON keyrec.key_versions TO keyrec_plan';
END
$$;
