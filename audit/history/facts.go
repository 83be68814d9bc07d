package history

// EachFact calls each for those of the facts whose names are given, in the order of the names, as rows of evidence.
func EachFact(kept map[string]string, names []string, each func(table string, columns ...string) error) error {
	for _, name := range names {
		value, ok := kept[name]
		if !ok {
			continue
		}
		if err := each("run_facts", name, value); err != nil {
			return err
		}
	}
	return nil
}
