package seal

import "bytes"

// What is sealed is filled up, for its length would tell a PIN from an app password and name who holds a long one. The
// padding is that of ISO/IEC 7816-4: one byte 0x80, then zeros up to a multiple of padTo.

const padTo = 128

// paddedFor is the associated data of an account's padded secret. What was sealed by a released version, or by the product
// itself, has the account's id alone and no padding. No id ends like this one: databases keep no NUL in a text.
func paddedFor(accountID string) []byte { return []byte(accountID + "\x00padded") }

func pad(secret string) []byte {
	padded := make([]byte, (len(secret)/padTo+1)*padTo)
	copy(padded, secret)
	padded[len(secret)] = 0x80
	return padded
}

// unpad returns false where the bytes are not padded.
func unpad(padded []byte) (string, bool) {
	end := bytes.LastIndexByte(padded, 0x80)
	if end < 0 || len(bytes.TrimLeft(padded[end+1:], "\x00")) > 0 {
		return "", false
	}
	return string(padded[:end]), true
}
