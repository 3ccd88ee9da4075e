# For the job that runs `keyrec apply`, here with the mount `secret` and the prefix `keyrec`.
# It writes keys and cannot read one. Two optional files stand beside this one: apply-destroy.hcl
# and apply-read.hcl. Vault's own `default` policy is taken for granted (renew, revoke, look up).
#
# To bind a job to one workspace, write `keyrec/payments/*` for `keyrec/*`, and grant the same rights
# once more on keyrec's own paths, `keyrec/_keyrec/*`: they hold no key.

path "secret/data/keyrec/*" {
  capabilities = ["create", "update"]
}

# Version numbers: after an unknown result keyrec looks before it writes again.
path "secret/metadata/keyrec/*" {
  capabilities = ["read"]
}

# The audit anchor holds no secret; it is the only value that keyrec reads.
path "secret/data/keyrec/_keyrec/anchor" {
  capabilities = ["create", "update", "read"]
}

# Whether the mount would let versions vanish by itself (delete_version_after).
path "secret/config" {
  capabilities = ["read"]
}
