package apple_test

import (
	"testing"

	"mailaudit/providers/apple"
	"mailaudit/providers/providertest"
)

func TestProvider(t *testing.T) { providertest.Run(t, &apple.Provider) }
