// Writes secrets into a KV engine, version 2, as fast as Go's own HTTP client does: what the making
// of keys is held against. Each secret has the fields that keyrec writes, and check-and-set.
//
//	writer PREFIX COUNT CONNECTIONS        (VAULT_ADDR, VAULT_TOKEN; the engine is `secret`)
package main

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"strconv"
	"sync"
	"time"
)

type writer struct {
	client  *http.Client
	address string
	token   string
	prefix  string
}

func main() {
	log.SetFlags(0)
	if len(os.Args) != 4 {
		log.Fatal("usage: writer PREFIX COUNT CONNECTIONS")
	}
	count, connections := number(os.Args[2]), number(os.Args[3])
	w := writer{
		client:  &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: connections}},
		address: os.Getenv("VAULT_ADDR"),
		token:   os.Getenv("VAULT_TOKEN"),
		prefix:  os.Args[1],
	}
	numbers := make(chan int)
	var running sync.WaitGroup
	for range connections {
		running.Add(1)
		go func() {
			defer running.Done()
			for n := range numbers {
				if err := w.write(n); err != nil {
					log.Fatal(err)
				}
			}
		}()
	}
	for n := range count {
		numbers <- n
	}
	close(numbers)
	running.Wait()
	fmt.Println(count)
}

func number(text string) int {
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		log.Fatalf("%q is no number", text)
	}
	return n
}

func (w writer) write(n int) error {
	drawn := make([]byte, 48)
	if _, err := rand.Read(drawn); err != nil {
		return err
	}
	now := time.Now().UTC()
	body, err := json.Marshal(map[string]any{
		"options": map[string]int{"cas": 0},
		"data": map[string]string{
			"api_key":     "krk_prod_" + base64.RawURLEncoding.EncodeToString(drawn),
			"key_id":      fmt.Sprintf("00000000-0000-4000-8000-%012d", n),
			"version_id":  fmt.Sprintf("%012d", n),
			"workspace":   "ws0000",
			"name":        fmt.Sprintf("svc-%06d-prod", n),
			"environment": "prod",
			"created_at":  now.Format(time.RFC3339Nano),
			"expires_at":  now.AddDate(0, 0, 90).Format(time.RFC3339Nano),
		},
	})
	if err != nil {
		return err
	}
	path := fmt.Sprintf("%s/v1/secret/data/%s/ws0000/prod/svc-%06d-prod", w.address, w.prefix, n)
	request, err := http.NewRequest(http.MethodPost, path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("X-Vault-Token", w.token)
	answer, err := w.client.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if _, err := io.Copy(io.Discard, answer.Body); err != nil {
		return err
	}
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("secret %d: status %d", n, answer.StatusCode)
	}
	return nil
}
