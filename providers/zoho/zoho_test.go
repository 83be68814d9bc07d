package zoho_test

import (
	"testing"

	"mailaudit/providers/providertest"
	"mailaudit/providers/zoho"
)

func TestProvider(t *testing.T) { providertest.Run(t, &zoho.Provider) }
