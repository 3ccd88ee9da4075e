# For the job that runs `keyrec plan` on a pull request, here with the mount `secret` and the prefix
# `keyrec`. A plan needs no right in Vault at all; with these `keyrec drift` works. It cannot write,
# and it cannot read a key.

path "secret/metadata/keyrec/*" {
  capabilities = ["read"]
}

path "secret/config" {
  capabilities = ["read"]
}
