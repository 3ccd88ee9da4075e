// The smallest OpenTofu provider that keeps keys in a KV engine, version 2: a secret is drawn and
// written when a key is new, and looked for when OpenTofu refreshes. It hashes and records nothing.
package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

const address = "bench.example/bench/kv"

func main() {
	err := providerserver.Serve(
		context.Background(),
		func() provider.Provider { return kv{} },
		providerserver.ServeOpts{Address: address},
	)
	if err != nil {
		log.Fatal(err)
	}
}

// kv is the provider; where Vault is and who asks stand in the environment.
type kv struct{}

func (kv) Metadata(_ context.Context, _ provider.MetadataRequest, answer *provider.MetadataResponse) {
	answer.TypeName = "kv"
}

func (kv) Schema(context.Context, provider.SchemaRequest, *provider.SchemaResponse) {}

func (kv) Configure(context.Context, provider.ConfigureRequest, *provider.ConfigureResponse) {}

func (kv) DataSources(context.Context) []func() datasource.DataSource { return nil }

func (kv) Resources(context.Context) []func() resource.Resource {
	return []func() resource.Resource{func() resource.Resource { return key{} }}
}

// key is one secret at one path.
type key struct{}

type state struct {
	Path types.String `tfsdk:"path"`
	Spec types.String `tfsdk:"spec"`
	ID   types.String `tfsdk:"id"`
}

func (key) Metadata(_ context.Context, _ resource.MetadataRequest, answer *resource.MetadataResponse) {
	answer.TypeName = "kv_key"
}

func (key) Schema(_ context.Context, _ resource.SchemaRequest, answer *resource.SchemaResponse) {
	moved := []planmodifier.String{stringplanmodifier.RequiresReplace()}
	kept := []planmodifier.String{stringplanmodifier.UseStateForUnknown()}
	answer.Schema = schema.Schema{Attributes: map[string]schema.Attribute{
		"path": schema.StringAttribute{Required: true, PlanModifiers: moved},
		"spec": schema.StringAttribute{Required: true},
		"id":   schema.StringAttribute{Computed: true, PlanModifiers: kept},
	}}
}

func (key) Create(ctx context.Context, asked resource.CreateRequest, answer *resource.CreateResponse) {
	var made state
	answer.Diagnostics.Append(asked.Plan.Get(ctx, &made)...)
	drawn := make([]byte, 48)
	if _, err := rand.Read(drawn); err != nil {
		answer.Diagnostics.AddError("random", err.Error())
		return
	}
	body := map[string]any{
		"options": map[string]int{"cas": 0},
		"data":    map[string]string{"api_key": base64.RawURLEncoding.EncodeToString(drawn)},
	}
	if !done(&answer.Diagnostics, http.MethodPost, "data", made.Path.ValueString(), body) {
		return
	}
	made.ID = made.Path
	answer.Diagnostics.Append(answer.State.Set(ctx, &made)...)
}

func (key) Read(ctx context.Context, asked resource.ReadRequest, answer *resource.ReadResponse) {
	var kept state
	answer.Diagnostics.Append(asked.State.Get(ctx, &kept)...)
	status, err := ask(http.MethodGet, "metadata", kept.Path.ValueString(), nil)
	if err != nil {
		answer.Diagnostics.AddError("vault", err.Error())
	} else if status == http.StatusNotFound {
		answer.State.RemoveResource(ctx)
	}
}

func (key) Update(ctx context.Context, asked resource.UpdateRequest, answer *resource.UpdateResponse) {
	var changed state
	answer.Diagnostics.Append(asked.Plan.Get(ctx, &changed)...)
	answer.Diagnostics.Append(answer.State.Set(ctx, &changed)...)
}

func (key) Delete(ctx context.Context, asked resource.DeleteRequest, answer *resource.DeleteResponse) {
	var ended state
	answer.Diagnostics.Append(asked.State.Get(ctx, &ended)...)
	done(&answer.Diagnostics, http.MethodDelete, "metadata", ended.Path.ValueString(), nil)
}

// done asks Vault to change something and says whether it did.
func done(told *diag.Diagnostics, method, kind, path string, body any) bool {
	status, err := ask(method, kind, path, body)
	if err == nil && status >= 300 {
		err = fmt.Errorf("status %d", status)
	}
	if err != nil {
		told.AddError("vault", err.Error())
	}
	return err == nil
}

var client = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}

func ask(method, kind, path string, body any) (int, error) {
	text, err := json.Marshal(body)
	if err != nil {
		return 0, err
	}
	place := fmt.Sprintf("%s/v1/secret/%s/%s", os.Getenv("VAULT_ADDR"), kind, path)
	request, err := http.NewRequest(method, place, bytes.NewReader(text))
	if err != nil {
		return 0, err
	}
	request.Header.Set("X-Vault-Token", os.Getenv("VAULT_TOKEN"))
	answer, err := client.Do(request)
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	_, err = io.Copy(io.Discard, answer.Body)
	return answer.StatusCode, err
}
