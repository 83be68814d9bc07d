package aside

import (
	"maps"
	"runtime/debug"

	"mailaudit/audit"
)

// Apart does something with all items at once. Where that fails and spare says that an item is to blame, it does it
// with halves of them, down to the single one, and hands to aside what fails alone. Other errors end it. What do
// does with some items it does wholly or not at all.
func Apart[T any](items []T, spare func(error) bool, do func([]T) error, aside func(T, error) error) error {
	if len(items) == 0 {
		return nil
	}
	err := Unbroken(func() error { return do(items) })
	switch {
	case err == nil:
		return nil
	case !spare(err):
		return err
	case len(items) == 1:
		return aside(items[0], err)
	}
	half := len(items) / 2
	if err := Apart(items[:half], spare, do, aside); err != nil {
		return err
	}
	return Apart(items[half:], spare, do, aside)
}

// EachApart does something with each item, as apart does with one.
func EachApart[T any](items []T, spare func(error) bool, do func(T) error, aside func(T, error) error) error {
	for _, item := range items {
		err := Unbroken(func() error { return do(item) })
		if err != nil && spare(err) {
			err = aside(item, err)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// gather reads by ids and tells of those that cannot be read why.
func gather[V any](wanted []string, spare func(error) bool, read func([]string) (map[string]V, error)) (found map[string]V, unread map[string]error, err error) {
	found, unread = map[string]V{}, map[string]error{}
	err = Apart(wanted, spare, func(some []string) error {
		got, err := read(some)
		if err == nil {
			maps.Copy(found, got)
		}
		return err
	}, func(id string, err error) error {
		unread[id] = err
		return nil
	})
	return found, unread, err
}

// Unbroken makes an error of a panic.
func Unbroken(do func() error) (err error) {
	defer func() {
		if value := recover(); value != nil {
			err = &audit.BrokenOff{Value: value, Stack: debug.Stack()}
		}
	}()
	return do()
}
