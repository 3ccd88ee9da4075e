-- For `keyrec serve`, and for services that verify in process. It reads what a decision needs, hashes
-- among it, and writes when secrets were presented; of a version it can change the hash alone, which
-- verifiers renew when the policy's parameters change. It cannot change what a key may do.
--
-- Whoever holds these rights can plant a hash, as the owner of the store can: a gateway's password
-- is worth as much as the keys that it checks. Leave the last GRANT out where hashes are not to be
-- renewed; everything else works without it.
--
-- Run by the owner of the tables or an administrator, after `keyrec init`, and again after every
-- `keyrec init` that brought the tables to a newer form. Running it twice changes nothing.

REVOKE ALL ON ALL TABLES IN SCHEMA keyrec FROM keyrec_verify;
GRANT SELECT ON keyrec.meta, keyrec.keys, keyrec.key_versions, keyrec.audit, keyrec.resources
  TO keyrec_verify;
GRANT SELECT, INSERT, UPDATE ON keyrec.version_uses, keyrec.version_marks, keyrec.use_reporters
  TO keyrec_verify;
GRANT DELETE ON keyrec.use_reporters TO keyrec_verify;

REVOKE UPDATE (secret_hash) ON keyrec.key_versions FROM keyrec_verify;
GRANT UPDATE (secret_hash) ON keyrec.key_versions TO keyrec_verify;
