package other_test

import (
	"testing"

	"mailaudit/providers/other"
	"mailaudit/providers/providertest"
)

func TestProvider(t *testing.T) { providertest.Run(t, &other.Provider) }
