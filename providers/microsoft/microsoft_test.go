package microsoft_test

import (
	"testing"

	"mailaudit/providers/microsoft"
	"mailaudit/providers/providertest"
)

func TestProvider(t *testing.T) { providertest.Run(t, &microsoft.Provider) }
