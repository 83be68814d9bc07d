package providers_test

import (
	"testing"

	"mailaudit/providers"
	"mailaudit/providers/providertest"
)

func TestCommonRules(t *testing.T) {
	rules := providers.CommonRules()
	cases := providertest.ReadCases(t, "testdata/common.txt")
	cases = append(cases, providertest.ReadCases(t, "testdata/neighbours.txt")...)
	providertest.Rules(t, rules, rules.Own(), cases)
}
