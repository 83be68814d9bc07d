package google_test

import (
	"testing"

	"mailaudit/providers/google"
	"mailaudit/providers/providertest"
)

func TestProvider(t *testing.T) { providertest.Run(t, &google.Provider) }
