# Optional, beside apply.hcl: copies of retired keys are destroyed in Vault. Without it they stay,
# worthless, until newer versions push them out; keyrec says so once and goes on.

path "secret/destroy/keyrec/*" {
  capabilities = ["update"]
}
