package app

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"mailaudit/audit"
	"mailaudit/audit/seal"
	"mailaudit/cmd/mailaudit/exit"
	"mailaudit/report/evidence"
)

// Signer is the configured signing key; nil where none is. A key that cannot be read is a usage error.
func (s *Setup) Signer() (*seal.Signer, error) {
	source := s.Config.Evidence.SigningKey.String()
	if source == "" {
		return nil, nil
	}
	signer, warnings, err := seal.LoadSigner(source, s.Env.LookupEnv)
	if err != nil {
		return nil, exit.Usagef("evidence.signing_key: %w", err)
	}
	for _, w := range warnings {
		s.Log.Warn(w)
	}
	return signer, nil
}

// Notary adds to the chain of evidence as configured.
func (a *App) Notary() (evidence.Notary, error) {
	n := evidence.Notary{Store: a.Store, Now: a.Now, Options: a.ReportOptions()}
	signer, err := a.Signer()
	if err != nil {
		return n, err
	}
	if signer != nil {
		n.Sign = signer.Sign
	}
	_, n.Config, err = a.policyText()
	return n, err
}

// policyText is the configuration in effect, secrets masked, and its SHA-256.
func (s *Setup) policyText() (text []byte, sum string, err error) {
	var out bytes.Buffer
	if err := s.Config.Show(&out); err != nil {
		return nil, "", err
	}
	digest := sha256.Sum256(out.Bytes())
	return out.Bytes(), hex.EncodeToString(digest[:]), nil
}

// sealRun adds the run to the chain of evidence, and keeps the configuration that it went by. The run is sealed once.
func (p *Publisher) sealRun(ctx context.Context, run audit.Run, digest string) (evidence.Sealed, error) {
	n, err := p.Notary()
	if err != nil {
		return evidence.Sealed{}, err
	}
	text, sum, err := p.policyText()
	if err != nil {
		return evidence.Sealed{}, err
	}
	name := evidence.SettingPolicy + sum
	if kept, err := p.Store.Setting(ctx, name); err != nil {
		return evidence.Sealed{}, err
	} else if kept == "" {
		if err := p.Store.PutSetting(ctx, name, string(text)); err != nil {
			return evidence.Sealed{}, err
		}
	}
	sealed, err := n.Seal(ctx, run.Key, digest)
	if err != nil {
		return sealed, fmt.Errorf("chain of evidence: %w", err)
	}
	p.Log.Info("run sealed in the chain of evidence", "run", run.Key, "link", sealed.N, "head", sealed.Head, "signed", sealed.Signed)
	return sealed, nil
}
