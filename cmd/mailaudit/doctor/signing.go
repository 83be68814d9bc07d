package doctor

import (
	"errors"
	"strings"

	"mailaudit/audit/seal"
	"mailaudit/report"
)

// signing tries the key that signs evidence, and looks at the public keys beside it.
func (d *Doctor) signing() {
	source := d.Config.Evidence.SigningKey.String()
	if source == "" {
		d.note("evidence", "the chain of evidence is not signed; keys new --signing makes a key")
		return
	}
	signer, warnings, err := seal.LoadSigner(source, d.Env.LookupEnv)
	if err != nil {
		d.fail("evidence", err, "point evidence.signing_key at the file that mailaudit keys new --signing has made, or restore it from its copy")
		return
	}
	for _, warning := range warnings {
		d.note("evidence", "%s", warning)
	}
	const probe = "mailaudit doctor"
	signed, err := signer.Sign([]byte(probe))
	if err == nil {
		err = signer.Public().Verify([]byte(probe), signed)
	}
	if err != nil {
		d.fail("evidence", err, "make another signing key: keys new --signing")
		return
	}
	if path, isFile := strings.CutPrefix(source, "file:"); isFile {
		if public, err := seal.LoadPublicKeys(seal.PublicPath(path)); err == nil && public.Verify([]byte(probe), signed) != nil {
			d.fail("evidence", errors.New("the public key beside the signing key does not check what it signs"), "give auditors the public keys of this signing key: restore "+seal.PublicPath(path))
			return
		}
	}
	d.ok("evidence", "the signing key signs; %s check it", report.Number(len(signer.Public()), "public key", "public keys"))
}
