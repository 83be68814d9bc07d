// Command kms opens for mailaudit what the product has sealed by a cloud's key management service, here AWS KMS. It
// takes credentials and region as every program of the SDK does (the pod's role, the environment, a profile).
//
//	kms                              speaks on standard input and output:  keyset: exec:kms
//	kms /run/opener/opener.sock      listens on a socket:                  keyset: unix:/run/opener/opener.sock
//
// Environment:
//
//	KMS_KEY   the key's id or ARN: a secret under any other key is refused
//	FORM      envelope (the default): Tink's KMS envelope, a data key of each secret's own, AES-256-GCM, wrapped by the KMS
//	          direct: the KMS sealed the secret itself (kms:Encrypt)
//	BOUND     account, where the secret is bound to its account's id: by the envelope's associated data, or by the
//	          encryption context {"account_id": ID}; empty: it is not
//
// For another cloud write another unwrapper; for another envelope, another form.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/smithy-go"
	"github.com/tink-crypto/tink-go/v2/aead"

	"openers/line"
)

// patience is for one secret; mailaudit gives up after ten seconds.
const patience = 9 * time.Second

func main() {
	if err := run(context.Background(), os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "kms:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	key := os.Getenv("KMS_KEY")
	if key == "" {
		return errors.New("set KMS_KEY")
	}
	account, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return err
	}
	open, err := formOf(os.Getenv("FORM"), os.Getenv("BOUND"), awsKey{kms.NewFromConfig(account), key})
	if err != nil {
		return err
	}
	socket := ""
	if len(args) > 0 {
		socket = args[0]
	}
	return line.Run(socket, func(id string, sealed []byte) ([]byte, error) {
		ctx, cancel := context.WithTimeout(ctx, patience)
		defer cancel()
		return open(ctx, id, sealed)
	})
}

// unwrapper is a key that does not leave its service.
type unwrapper interface {
	// unwrap decrypts; bound is the account's id, empty where nothing is bound to it.
	unwrap(ctx context.Context, wrapped []byte, bound string) ([]byte, error)
}

type form func(ctx context.Context, accountID string, sealed []byte) ([]byte, error)

func formOf(name, bound string, key unwrapper) (form, error) {
	if bound != "" && bound != "account" {
		return nil, fmt.Errorf("BOUND is %q, neither empty nor account", bound)
	}
	to := func(accountID string) string {
		if bound == "" {
			return ""
		}
		return accountID
	}
	switch name {
	case "", "envelope":
		envelope, err := aead.NewKMSEnvelopeAEADWithContext(aead.AES256GCMKeyTemplate(), remote{key})
		if err != nil {
			return nil, err
		}
		return func(ctx context.Context, id string, sealed []byte) ([]byte, error) {
			return envelope.DecryptWithContext(ctx, sealed, []byte(to(id)))
		}, nil
	case "direct":
		return func(ctx context.Context, id string, sealed []byte) ([]byte, error) {
			return key.unwrap(ctx, sealed, to(id))
		}, nil
	}
	return nil, fmt.Errorf("FORM is %q, neither envelope nor direct", name)
}

// remote is the key as Tink's envelope uses it.
type remote struct{ unwrapper }

func (r remote) DecryptWithContext(ctx context.Context, wrapped, _ []byte) ([]byte, error) {
	return r.unwrap(ctx, wrapped, "")
}

func (remote) EncryptWithContext(context.Context, []byte, []byte) ([]byte, error) {
	return nil, errors.New("an opener seals nothing")
}

type awsKey struct {
	client *kms.Client
	id     string
}

func (k awsKey) unwrap(ctx context.Context, wrapped []byte, bound string) ([]byte, error) {
	in := &kms.DecryptInput{KeyId: &k.id, CiphertextBlob: wrapped}
	if bound != "" {
		in.EncryptionContext = map[string]string{"account_id": bound}
	}
	out, err := k.client.Decrypt(ctx, in)
	var refused smithy.APIError
	if errors.As(err, &refused) {
		return nil, fmt.Errorf("AWS KMS: %s", refused.ErrorCode())
	}
	if err != nil {
		return nil, errors.New("AWS KMS does not answer")
	}
	return out.Plaintext, nil
}
