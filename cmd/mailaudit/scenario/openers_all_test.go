//go:build openers

// These want Rails 7, which Debian 12 has not, and programs of the module deploy/openers: make openers runs them.

package scenario

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/tink"

	"mailaudit/audit/postgres/pgtest"
)

// railsKeys are what bin/rails db:encryption:init makes; the first of two primary keys is the former one.
const railsKeys = "PRIMARY_KEY=former-primary-key-of-32-letters,present-primary-key-of-32-letter DETERMINISTIC_KEY=deterministic-key-of-32-letters! KEY_DERIVATION_SALT=salt-of-32-letters-for-all-keys!"

func TestRailsOpener(t *testing.T) {
	t.Parallel()
	setup := `require "active_record"; require "json"; e = ActiveRecord::Encryption
		e.configure(primary_key: ENV["PRIMARY_KEY"].split(","), deterministic_key: ENV["DETERMINISTIC_KEY"], key_derivation_salt: ENV["KEY_DERIVATION_SALT"]); `
	formerKey := `e.configure(primary_key: ENV["PRIMARY_KEY"].split(",").first, deterministic_key: ENV["DETERMINISTIC_KEY"], key_derivation_salt: ENV["KEY_DERIVATION_SALT"]); `
	const model = `
		ActiveRecord::Base.establish_connection(adapter: "sqlite3", database: ":memory:"); ActiveRecord::Schema.verbose = false
		ActiveRecord::Schema.define { create_table(:credentials) { |t| t.text :password } }
		class Credential < ActiveRecord::Base; encrypts :password, key: "a key of this attribute's own"; end; `
	for name, c := range map[string]struct{ seal, model, attribute string }{
		"encrypts":      {seal: `print e.encryptor.encrypt(ARGV[0])`},
		"former":        {seal: formerKey + `print e.encryptor.encrypt(ARGV[0])`},
		"deterministic": {seal: `print e.encryptor.encrypt(ARGV[0], key_provider: e::DeterministicKeyProvider.new(ENV["DETERMINISTIC_KEY"]), cipher_options: {deterministic: true})`},
		"own key": {
			seal:      model + `Credential.create!(password: ARGV[0]); print Credential.connection.select_value("SELECT password FROM credentials")`,
			model:     setup + model + `Rails = 1; load ARGV.shift`,
			attribute: " Credential#password",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			seal := sealing(t, strings.Fields(railsKeys), "ruby", "-e", setup+c.seal)
			opener := fmt.Sprintf("env %s ruby %s", railsKeys, openerFile(t, "rails.rb"))
			if c.model != "" { // as bin/rails runner runs it: the application is there already
				opener = fmt.Sprintf("env %s ruby -e '%s' %s%s", railsKeys, strings.ReplaceAll(c.model, "'", `'\''`), openerFile(t, "rails.rb"), c.attribute)
			}
			newProductSealed(t, opener, seal).holds()
		})
	}
}

// built makes a program of deploy/openers.
func built(t *testing.T, name string) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), name)
	c := exec.CommandContext(t.Context(), "go", "build", "-o", program, "./"+name)
	c.Dir = openerFile(t, "")
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return program
}

func TestPgcryptoOpener(t *testing.T) {
	cluster, program := pgtest.Own(t), built(t, "pgcrypto")
	psql := func(sql string) func(string, string) []byte {
		return func(_, secret string) []byte {
			c := exec.CommandContext(t.Context(), "psql", "--no-psqlrc", "-qtA", "--dbname", cluster.URL("postgres", pgtest.Admin), "--set", "secret="+secret)
			c.Stdin = strings.NewReader(`SELECT encode(` + sql + `, 'base64')`)
			out, err := c.Output()
			if err != nil {
				t.Fatal(err)
			}
			sealed, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(string(out)), ""))
			if err != nil {
				t.Fatal(err)
			}
			return sealed
		}
	}
	cluster.Exec(t, "postgres", `CREATE EXTENSION pgcrypto`)
	const key = "PGCRYPTO_KEY=the-key-of-the-product"
	for name, c := range map[string]struct{ sql, environment string }{
		"pgp":      {`pgp_sym_encrypt(:'secret', 'the-key-of-the-product')`, key},
		"options":  {`pgp_sym_encrypt(:'secret', 'the-key-of-the-product', 'cipher-algo=aes256, compress-algo=2, s2k-digest-algo=sha256')`, key},
		"with aes": {`encrypt(:'secret', 'the-key-of-the-product', 'aes')`, key + " FORM=aes"},
	} {
		t.Run(name, func(t *testing.T) {
			newProductSealed(t, "env "+c.environment+" "+program, psql(c.sql)).holds()
		})
	}
}

// awsStandIn is AWS KMS as far as an opener needs it, with one key.
type awsStandIn struct{ key tink.AEAD }

const awsKeyID = "arn:aws:kms:eu-central-1:111122223333:key/1234abcd"

func (a *awsStandIn) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var in struct {
		KeyID             string `json:"KeyId"`
		CiphertextBlob    []byte
		EncryptionContext map[string]string
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil || r.Header.Get("X-Amz-Target") != "TrentService.Decrypt" || in.KeyID != awsKeyID {
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprint(w, `{"__type": "IncorrectKeyException"}`)
		return
	}
	plain, err := a.key.Decrypt(in.CiphertextBlob, []byte(in.EncryptionContext["account_id"]))
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprint(w, `{"__type": "InvalidCiphertextException"}`)
		return
	}
	json.NewEncoder(w).Encode(map[string]any{"KeyId": awsKeyID, "Plaintext": plain})
}

func TestKMSOpener(t *testing.T) {
	program := built(t, "kms")
	handle, err := keyset.NewHandle(aead.AES256GCMKeyTemplate())
	if err != nil {
		t.Fatal(err)
	}
	key, err := aead.New(handle)
	if err != nil {
		t.Fatal(err)
	}
	service := httptest.NewServer(&awsStandIn{key: key})
	t.Cleanup(service.Close)
	envelope := aead.NewKMSEnvelopeAEAD2(aead.AES256GCMKeyTemplate(), key)
	for name, c := range map[string]struct {
		by       tink.AEAD
		bound    bool
		settings string
	}{
		"envelope":       {envelope, false, ""},
		"bound envelope": {envelope, true, "BOUND=account"},
		"direct":         {key, false, "FORM=direct"},
		"bound direct":   {key, true, "FORM=direct BOUND=account"},
	} {
		t.Run(name, func(t *testing.T) {
			newProductSealed(t, fmt.Sprintf("env AWS_ENDPOINT_URL=%s AWS_REGION=eu-central-1 AWS_ACCESS_KEY_ID=id AWS_SECRET_ACCESS_KEY=key KMS_KEY=%s %s %s",
				service.URL, awsKeyID, c.settings, program), func(id, secret string) []byte {
				if !c.bound {
					id = ""
				}
				sealed, err := c.by.Encrypt([]byte(secret), []byte(id))
				if err != nil {
					t.Fatal(err)
				}
				return sealed
			}).holds()
		})
	}
}
