package providers_test

import (
	"testing"

	"mailaudit/providers"
	"mailaudit/providers/providertest"
)

func TestCommonRules(t *testing.T) {
	rules := providers.CommonRules()
	providertest.Rules(t, rules, rules.Own(), providertest.ReadCases(t, "testdata/common.txt"))
}
