# Optional, beside apply.hcl: keyrec may read its keys back. It can then tell its own write from a
# stranger's at the same version, and repairs a rolled back path by itself. The price: whoever has
# this token can read every key. Leave it out unless you need that.

path "secret/data/keyrec/*" {
  capabilities = ["create", "update", "read"]
}
