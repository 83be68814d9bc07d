// Command pgcrypto opens for mailaudit what PostgreSQL's pgcrypto has sealed, without the database: the key stays
// with this program, and a copy of the database, or of its log, opens nothing.
//
//	pgcrypto                              speaks on standard input and output:  keyset: exec:pgcrypto
//	pgcrypto /run/opener/opener.sock      listens on a socket:                  keyset: unix:/run/opener/opener.sock
//
// Environment: PGCRYPTO_KEY, or PGCRYPTO_KEY_FILE, a file that holds it. FORM is what sealed the column:
//
//	pgp    pgp_sym_encrypt(secret, key, ...) (the default): OpenPGP, RFC 4880
//	aes    encrypt(secret, key, 'aes'): AES in CBC mode with an initial vector of zeros. It is bound to nothing and
//	       equal secrets look equal, so that a wrong key may open to nonsense. Better sealed anew.
package main

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/ProtonMail/go-crypto/openpgp"

	"openers/line"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "pgcrypto:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	key, err := keyOf(os.Getenv)
	if err != nil {
		return err
	}
	forms := map[string]func(key, sealed []byte) ([]byte, error){"": openPGP, "pgp": openPGP, "aes": openAES}
	open := forms[os.Getenv("FORM")]
	if open == nil {
		return fmt.Errorf("FORM is %q, neither pgp nor aes", os.Getenv("FORM"))
	}
	socket := ""
	if len(args) > 0 {
		socket = args[0]
	}
	return line.Run(socket, func(_ string, sealed []byte) ([]byte, error) { return open(key, sealed) })
}

func keyOf(getenv func(string) string) ([]byte, error) {
	if name := getenv("PGCRYPTO_KEY_FILE"); name != "" {
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		return []byte(strings.TrimRight(string(text), "\r\n")), nil
	}
	if key := getenv("PGCRYPTO_KEY"); key != "" {
		return []byte(key), nil
	}
	return nil, errors.New("set PGCRYPTO_KEY or PGCRYPTO_KEY_FILE")
}

// errWrong is all that can be said: OpenPGP does not tell a wrong key from a changed text.
var errWrong = errors.New("pgcrypto: wrong key, or the sealed text was changed")

// largest bounds what a compressed message may grow to.
const largest = 256 << 10

// openPGP opens a message under a passphrase. A text that carries no proof of being whole is refused by the
// library; pgcrypto has one unless disable-mdc was asked for.
func openPGP(key, sealed []byte) ([]byte, error) {
	asked := false
	prompt := func([]openpgp.Key, bool) ([]byte, error) {
		if asked { // it asks until a key fits
			return nil, errWrong
		}
		asked = true
		return key, nil
	}
	m, err := openpgp.ReadMessage(bytes.NewReader(sealed), openpgp.EntityList{}, prompt, nil)
	if err != nil {
		return nil, errWrong
	}
	secret, err := io.ReadAll(io.LimitReader(m.UnverifiedBody, largest+1))
	if err != nil || len(secret) > largest {
		return nil, errWrong
	}
	return secret, nil
}

// openAES undoes contrib/pgcrypto/px.c: the key is filled with zeros to the next length that AES has, padding
// is that of PKCS #7.
func openAES(key, sealed []byte) ([]byte, error) {
	size := 32
	for _, n := range []int{16, 24} {
		if len(key) <= n {
			size = n
			break
		}
	}
	if len(key) > size {
		return nil, errors.New("pgcrypto: the key is longer than 32 bytes")
	}
	block, err := aes.NewCipher(append(bytes.Clone(key), make([]byte, size-len(key))...))
	if err != nil {
		return nil, err
	}
	if len(sealed) == 0 || len(sealed)%aes.BlockSize != 0 {
		return nil, errWrong
	}
	secret := make([]byte, len(sealed))
	cipher.NewCBCDecrypter(block, make([]byte, aes.BlockSize)).CryptBlocks(secret, sealed)
	fill := int(secret[len(secret)-1])
	if fill < 1 || fill > aes.BlockSize || !bytes.Equal(secret[len(secret)-fill:], bytes.Repeat([]byte{byte(fill)}, fill)) {
		return nil, errWrong
	}
	return secret[:len(secret)-fill], nil
}
