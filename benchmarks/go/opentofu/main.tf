# The same manifests that keyrec reads, as OpenTofu's own: one secret in Vault for each key.

terraform {
  required_providers {
    kv = { source = "bench.example/bench/kv" }
  }
}

variable "prefix" {
  type = string
}

locals {
  files     = fileset(path.module, "keys/*/svc-*.yaml")
  manifests = { for file in local.files : trimsuffix(basename(file), ".yaml") => yamldecode(file("${path.module}/${file}")) }
}

resource "kv_key" "declared" {
  for_each = local.manifests
  path     = "${var.prefix}/${each.value.metadata.workspace}/${each.key}"
  spec     = jsonencode(each.value.spec)
}
