package food

import (
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"strings"
)

// Reference returns the number that a visitor can keep and quote, such as 3f9a-2c71-b04e: the first
// 48 bits of the SHA-256 of the token. The token itself must stay secret, because anybody who
// submits a form with it is shown the answers that were stored under it.
func (s Submission) Reference() string {
	hash := sha256.Sum256([]byte(s.Token))
	return withHyphens(hex.EncodeToString(hash[:6]))
}

// NormalizeReference returns a reference as Reference writes it: 3F9A2C71B04E as 3f9a-2c71-b04e. It
// returns any other text as it is.
func NormalizeReference(text string) string {
	digits := strings.ReplaceAll(strings.ToLower(text), "-", "")
	if len(digits) != 12 {
		return text
	}
	if reference := withHyphens(digits); ValidReference(reference) {
		return reference
	}
	return text
}

func withHyphens(digits string) string {
	return digits[:4] + "-" + digits[4:8] + "-" + digits[8:]
}

var referenceForm = regexp.MustCompile(`^[0-9a-f]{4}(-[0-9a-f]{4}){2}$`)

// ValidReference reports whether reference has the form of a reference.
func ValidReference(reference string) bool { return referenceForm.MatchString(reference) }
