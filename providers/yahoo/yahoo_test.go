package yahoo_test

import (
	"testing"

	"mailaudit/providers/providertest"
	"mailaudit/providers/yahoo"
)

func TestProvider(t *testing.T) { providertest.Run(t, &yahoo.Provider) }
