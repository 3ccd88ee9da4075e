# For an application that uses one key: it reads the latest version at its own path, nothing else.

path "secret/data/keyrec/payments/prod/billing-sync-prod" {
  capabilities = ["read"]
}
