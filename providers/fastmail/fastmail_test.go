package fastmail_test

import (
	"testing"

	"mailaudit/providers/fastmail"
	"mailaudit/providers/providertest"
)

func TestProvider(t *testing.T) { providertest.Run(t, &fastmail.Provider) }
